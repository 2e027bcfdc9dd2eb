package overhttp

import (
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/upgrade"
)

// server is the HTTP handler of one Serve.
type server struct {
	cfg     *engine.Config
	handler engine.Handler
	upgrade Upgrade
}

// ServeHTTP runs one opening handshake and then the connection.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	nc := r.Context().Value(socketKey{}).(*conns.Conn)
	request, err := s.decide(r, nc)
	if err != nil {
		nc.Refused(err)
		refuse(w, err)
		return
	}
	s.upgrade(w, r, nc, request)
}

// decide checks what an Upgrader checks, so that every engine answers the same
// mistake with the same status, and then asks the handler. The error is one of
// package upgrade.
func (s *server) decide(r *http.Request, nc *conns.Conn) (*engine.Request, error) {
	if nc.Surplus() {
		return nil, conns.OverLimit
	}
	if err := Check(r); err != nil {
		return nil, err
	}
	request := &engine.Request{
		Path:       r.URL.Path,
		RawQuery:   r.URL.RawQuery,
		Host:       r.Host,
		Origin:     r.Header.Get("Origin"),
		RemoteAddr: nc.RemoteAddr(),
	}
	if err := upgrade.Decide(request, s.cfg, s.handler); err != nil {
		return nil, err
	}
	return request, nc.Upgrading()
}

// Check holds a request against RFC 6455 section 4.2.1. The error is one of package
// upgrade.
func Check(r *http.Request) error {
	bad := func(status int, reason string) error { return &upgrade.BadRequest{Status: status, Reason: reason} }
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
	case versions[0] != "13":
		return bad(http.StatusUpgradeRequired, "Sec-WebSocket-Version is not 13")
	case len(keys) != 1 || !upgrade.ValidKey(strings.TrimSpace(keys[0])):
		return bad(http.StatusBadRequest, "Sec-WebSocket-Key is not one key of 16 bytes")
	}
	return nil
}

// refuse answers with the status that err asks for.
func refuse(w http.ResponseWriter, err error) {
	status, reason := upgrade.Explain(err)
	switch status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodGet)
	case http.StatusUpgradeRequired:
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Sec-WebSocket-Version", "13")
	}
	http.Error(w, reason, status)
}
