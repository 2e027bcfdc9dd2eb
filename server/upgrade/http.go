package upgrade

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// CheckHTTP holds a request that net/http has read against RFC 6455 section
// 4.2.1, so that engines on net/http answer a mistake as [Do] does. The error, if
// any, is a [*BadRequest].
func CheckHTTP(r *http.Request) error {
	bad := func(status int, reason string) error { return &BadRequest{Status: status, Reason: reason} }
	keys, versions := r.Header["Sec-Websocket-Key"], r.Header["Sec-Websocket-Version"]
	switch {
	case !r.ProtoAtLeast(1, 1):
		return bad(http.StatusHTTPVersionNotSupported, "HTTP/1.1 is needed")
	case r.Method != http.MethodGet:
		return bad(http.StatusMethodNotAllowed, "method is not GET")
	case !httpguts.HeaderValuesContainsToken(r.Header["Connection"], "upgrade"),
		!httpguts.HeaderValuesContainsToken(r.Header["Upgrade"], "websocket"):
		return bad(http.StatusBadRequest, "not an upgrade to websocket")
	case len(versions) == 0:
		return bad(http.StatusBadRequest, "no Sec-WebSocket-Version")
	case slices.ContainsFunc(versions, func(v string) bool { return v != "13" }):
		return bad(http.StatusUpgradeRequired, "Sec-WebSocket-Version is not 13")
	case len(versions) > 1 || len(r.Header["Origin"]) > 1:
		return bad(http.StatusBadRequest, "Sec-WebSocket-Version or Origin comes twice")
	case len(keys) != 1 || !ValidKey(strings.TrimSpace(keys[0])):
		return bad(http.StatusBadRequest, "Sec-WebSocket-Key is not one key of 16 bytes")
	case r.ContentLength > 0 || len(r.TransferEncoding) > 0:
		return bad(http.StatusBadRequest, "a handshake has no body")
	}
	return nil
}

// RefuseHTTP answers a handshake that ended with err through net/http, with the
// status and the header fields of [AppendRefusal].
func RefuseHTTP(w http.ResponseWriter, err error) {
	status, reason := Explain(err)
	switch status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodGet)
	case http.StatusUpgradeRequired:
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Sec-WebSocket-Version", "13")
	}
	http.Error(w, reason, status)
}
