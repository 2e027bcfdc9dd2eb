package gws

import (
	"context"
	"log/slog"
	"net"
	"net/http"

	"github.com/lxzan/gws"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/overhttp"
)

// Entry is the engine's line in the server's list.
var Entry = engine.Entry{
	Name:      "gws",
	IdleBytes: 13000,
	Summary:   "net/http and lxzan/gws as its README shows: events, a read loop outside the handler",
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
	s.upgrader = gws.NewUpgrader(events{}, &gws.ServerOption{
		ReadMaxPayloadSize:  s.cfg.MaxMessage,
		WriteMaxPayloadSize: largestSent,
		CheckUtf8Enabled:    true,
		HandshakeTimeout:    s.cfg.HandshakeTimeout,
		Logger:              logger{s.cfg.Log},
	})
	return overhttp.Serve(ctx, s.cfg, listeners, h, s.upgrade)
}

// largestSent is more than a handler sends in one message: what it may send is its
// own affair.
const largestSent = 1 << 30

// server is what the connections of one Serve share.
type server struct {
	cfg      *engine.Config
	handler  engine.Handler
	upgrader *gws.Upgrader
}

// upgrade is an [overhttp.Upgrade].
func (s *server) upgrade(w http.ResponseWriter, r *http.Request, nc *conns.Conn, request *engine.Request) {
	c := &conn{Life: conns.NewLife(nc, s.cfg, s.handler), log: s.cfg.Log, request: request}
	hijacker := &overhttp.Hijacker{ResponseWriter: w}
	ws, err := s.upgrader.Upgrade(holding{hijacker, c}, r)
	if err != nil {
		// The request was found good, so it is the socket that failed.
		nc.Refused(err)
		if hijacker.Done {
			_ = nc.Close()
			nc.Leave()
		}
		return
	}
	c.ws = ws
	ws.Session().Store(sessionKey, c)
	nc.Upgraded(c)
	go c.serve()
}

// logger has the library's errors among what an operator may want to see.
type logger struct{ log *slog.Logger }

// Error implements [gws.Logger].
func (l logger) Error(v ...any) { l.log.Debug("gws", "err", v) }
