package gorilla

import (
	"net/http"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/upgrade"
)

// server is what the connections of one Serve share, and their HTTP handler.
type server struct {
	cfg     *engine.Config
	form    *form
	handler engine.Handler
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
	hijacked := &hijacker{ResponseWriter: w}
	ws, err := s.form.upgrader.Upgrade(hijacked, r, nil)
	if err != nil {
		// The request was found good, so it is the socket that failed.
		nc.Refused(err)
		if hijacked.done {
			_ = nc.Close()
			nc.Leave()
		}
		return
	}
	c := newConn(s, nc, ws)
	nc.Upgraded(c)
	switch {
	case !c.open(request):
	case s.form.leave:
		go s.form.serve(c)
	default:
		s.form.serve(c)
	}
}

// decide checks what the Upgrader checks, so that every engine answers the same
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
