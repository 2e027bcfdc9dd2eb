package upgrade

import (
	"errors"
	"net/http"
	"strconv"

	"signalbench/server/engine"
)

// Explain returns how a handshake that ended with err is answered: with an HTTP
// status and one line of text.
func Explain(err error) (status int, reason string) {
	if bad, ok := errors.AsType[*BadRequest](err); ok {
		return bad.Status, bad.Reason
	}
	if refusal, ok := errors.AsType[*engine.Refusal](err); ok {
		return refusal.Status, refusal.Reason
	}
	return http.StatusInternalServerError, "internal error"
}

// AppendRefusal appends the whole HTTP/1.1 response to a handshake that ended
// with err to dst. The response tells the peer that the connection closes, and names
// what would be accepted where the status asks for that: Allow with 405 (RFC
// 9110 section 15.5.6), the protocol and its version with 426 (RFC 6455
// section 4.4).
func AppendRefusal(dst []byte, err error) []byte {
	status, reason := Explain(err)
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, http.StatusText(status)...)
	dst = append(dst, "\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"...)
	switch status {
	case http.StatusMethodNotAllowed:
		dst = append(dst, "Allow: GET\r\nConnection: close\r\n"...)
	case http.StatusUpgradeRequired:
		dst = append(dst, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close\r\n"...)
	default:
		dst = append(dst, "Connection: close\r\n"...)
	}
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(reason)+1), 10)
	dst = append(dst, "\r\n\r\n"...)
	dst = append(dst, reason...)
	return append(dst, '\n')
}

// TooLarge is the error of a request of more than [MaxRequest] bytes.
var TooLarge = &BadRequest{Status: http.StatusRequestHeaderFieldsTooLarge, Reason: "request too large"}
