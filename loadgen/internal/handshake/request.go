package handshake

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// KeySize is the size of the random nonce in octets.
const KeySize = 16

const encodedKey = 24 // base64 of the nonce

// A Request is the text of an opening handshake that only lacks its key. It is
// read-only after [NewRequest] and may be shared.
type Request struct{ text []byte } // the key is the last field

// NewRequest prepares a request for target (path and query, beginning with "/")
// on host. An empty origin sends no Origin field. Text with line breaks or
// spaces where none belong is refused.
func NewRequest(host, target, origin string) (Request, error) {
	for _, f := range []struct{ name, value string }{{"host", host}, {"request target", target}} {
		if f.value == "" || strings.ContainsFunc(f.value, func(r rune) bool { return r <= ' ' || r >= 0x7F }) {
			return Request{}, fmt.Errorf("%s %q is empty or holds a character that must be escaped", f.name, f.value)
		}
	}
	if strings.ContainsFunc(origin, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		return Request{}, fmt.Errorf("origin %q holds a control character", origin)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n", target, host)
	if origin != "" {
		fmt.Fprintf(&b, "Origin: %s\r\n", origin)
	}
	b.WriteString("Sec-WebSocket-Key: ")
	return Request{[]byte(b.String())}, nil
}

// Append appends the request with the given nonce, which must be random and
// used once, and writes the expected Sec-WebSocket-Accept to accept.
func (r Request) Append(dst []byte, nonce *[KeySize]byte, accept *Accept) []byte {
	dst = append(dst, r.text...)
	at := len(dst)
	dst = base64.StdEncoding.AppendEncode(dst, nonce[:])
	accept.of(dst[at : at+encodedKey])
	return append(dst, "\r\n\r\n"...)
}
