package coder

import (
	"context"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/overhttp"
)

// Entry is the engine's line in the server's list.
var Entry = engine.Entry{
	Name:      "coder",
	IdleBytes: 25000,
	Summary:   "net/http and coder/websocket as its README shows, the read loop inside the handler",
	Optional:  true,
	Lesson:    lesson,
	New:       New,
}

// New returns the engine. It serves every valid Config, TLS included.
func New(cfg engine.Config) (engine.Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	overhttp.Secure(&cfg)
	return &listening{cfg: cfg}, nil
}

// listening is the engine.
type listening struct{ cfg engine.Config }

// Serve implements [engine.Engine].
func (e *listening) Serve(ctx context.Context, listeners []net.Listener, h engine.Handler) error {
	s := &server{cfg: &e.cfg, handler: h}
	return overhttp.Serve(ctx, s.cfg, listeners, h, s.upgrade)
}

// server is what the connections of one Serve share.
type server struct {
	cfg     *engine.Config
	handler engine.Handler
}

// upgrade is an [overhttp.Upgrade].
func (s *server) upgrade(w http.ResponseWriter, r *http.Request, nc *conns.Conn, request *engine.Request) {
	c := &conn{Life: conns.NewLife(nc, s.cfg, s.handler)}
	hijacker := &overhttp.Hijacker{ResponseWriter: w}
	ws, err := websocket.Accept(holding{hijacker, c}, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // the origin was decided on, by one rule for all engines
		OnPingReceived:     c.gotPing,
		OnPongReceived:     c.gotPong,
	})
	if err != nil {
		// The request was found good, so it is the socket that failed.
		nc.Refused(err)
		if hijacker.Done {
			_ = nc.Close()
			nc.Leave()
		}
		return
	}
	ws.SetReadLimit(int64(s.cfg.MaxMessage))
	c.ws = ws
	nc.Upgraded(c)
	c.serve(request)
}
