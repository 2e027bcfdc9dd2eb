package overhttp

import (
	"net/http"

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
		upgrade.RefuseHTTP(w, err)
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
	if err := upgrade.CheckHTTP(r); err != nil {
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
