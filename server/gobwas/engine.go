package gobwas

import (
	"context"
	"net"

	"signalbench/server/conns"
	"signalbench/server/engine"
)

// Entry is the engine's line in the server's list.
var Entry = engine.Entry{
	Name:      "gobwas",
	IdleBytes: 4000,
	Summary:   "raw listener, zero-copy upgrade of gobwas/ws, one goroutine per connection",
	New:       New,
}

// New returns the engine. It serves every valid Config, TLS included.
func New(cfg engine.Config) (engine.Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.TLS != nil {
		cfg.TLS = cfg.TLS.Clone()
		cfg.TLS.NextProtos = []string{"http/1.1"}
	}
	return &listening{cfg: cfg}, nil
}

// listening is the engine.
type listening struct{ cfg engine.Config }

// Serve implements [engine.Engine].
func (e *listening) Serve(ctx context.Context, listeners []net.Listener, h engine.Handler) error {
	s := &server{cfg: &e.cfg, handler: h}
	return conns.NewSet(s.cfg).Serve(ctx, listeners, func(l net.Listener) error {
		for {
			nc, err := l.Accept()
			if err != nil {
				return err
			}
			go s.handshake(nc.(*conns.Conn))
		}
	})
}

// server is what the connections of one Serve share.
type server struct {
	cfg     *engine.Config
	handler engine.Handler
}
