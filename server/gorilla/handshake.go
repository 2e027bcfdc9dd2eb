package gorilla

import (
	"net/http"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/overhttp"
)

// server is what the connections of one Serve share.
type server struct {
	cfg     *engine.Config
	form    *form
	handler engine.Handler
}

// upgrade is an [overhttp.Upgrade].
func (s *server) upgrade(w http.ResponseWriter, r *http.Request, nc *conns.Conn, request *engine.Request) {
	hijacker := &overhttp.Hijacker{ResponseWriter: w}
	ws, err := s.form.upgrader.Upgrade(hijacker, r, nil)
	if err != nil {
		// The request was found good, so it is the socket that failed.
		nc.Refused(err)
		if hijacker.Done {
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
