package ladder

import (
	"context"
	"log/slog"
	"net"
	"net/http"

	"github.com/gobwas/ws"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/upgrade"
)

// acceptHTTP has net/http accept connections and read their requests.
func (s *server) acceptHTTP(l net.Listener) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	srv := &http.Server{
		Handler:        s,
		MaxHeaderBytes: upgrade.MaxRequest,
		Protocols:      protocols,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, socketKey{}, c)
		},
		ConnState: func(c net.Conn, state http.ConnState) {
			if state == http.StateClosed { // it has not been hijacked, so it is net/http's last word
				c.(*conns.Conn).Leave()
			}
		},
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	// One request is an upgrade or the end. The time of the handshake is the
	// socket's own and so needs no timeout here.
	srv.SetKeepAlivesEnabled(false)
	return srv.Serve(l)
}

// socketKey is the context key of a request's *conns.Conn.
type socketKey struct{}

// ServeHTTP runs one opening handshake and hands the connection over. The pair of
// buffers that net/http gives away with a hijacked connection stays with it: the
// article counts 4 KB each for what nobody uses any more.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	nc := r.Context().Value(socketKey{}).(*conns.Conn)
	request, err := s.decide(r, nc)
	if err != nil {
		nc.Refused(err)
		upgrade.RefuseHTTP(w, err)
		return
	}
	hijacked, pair, _, err := ws.HTTPUpgrader{}.Upgrade(r, w)
	if err != nil {
		// The request was found good, so it is the socket that failed.
		nc.Refused(err)
		if hijacked != nil {
			_ = nc.Close()
			nc.Leave()
		}
		return
	}
	c := &conn{server: s, nc: nc, pair: pair, opened: true}
	if s.rung.loops {
		c.startLoops(request)
		return
	}
	c.startWatching(request)
}

// decide checks the request and then asks the handler. The error is one of package
// upgrade.
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

// ahead returns what the client sent behind its request and net/http has read.
func (c *conn) ahead() []byte {
	p, _ := c.pair.Reader.Peek(c.pair.Reader.Buffered())
	return p
}
