package gorilla

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"signalbench/server/engine"
	"signalbench/server/overhttp"
)

// Entry is the engine as the library's documentation shows it.
var Entry = engine.Entry{
	Name:      "gorilla",
	IdleBytes: 18000,
	Summary:   "net/http and gorilla/websocket as documented, the read loop inside the handler",
	New:       func(cfg engine.Config) (engine.Engine, error) { return newEngine(cfg, documented) },
}

// LeanEntry is the same library with less memory for each connection.
var LeanEntry = engine.Entry{
	Name:      "gorilla-lean",
	IdleBytes: 6700,
	Summary:   "gorilla/websocket with the loop outside the handler, a small read buffer and pooled writes",
	New:       func(cfg engine.Config) (engine.Engine, error) { return newEngine(cfg, lean) },
}

// A form is what the two engines differ in.
type form struct {
	upgrader websocket.Upgrader
	// leave runs the connection on a goroutine of its own, so that the HTTP
	// handler can return.
	leave bool
	// serve reads messages and delivers them until the connection ends.
	serve func(*conn)
}

// The origin is decided on before the Upgrader is asked, by one rule for all
// engines.
func anyOrigin(*http.Request) bool { return true }

var (
	documented = form{
		upgrader: websocket.Upgrader{CheckOrigin: anyOrigin},
		serve:    (*conn).serveDocumented,
	}
	lean = form{
		upgrader: websocket.Upgrader{
			CheckOrigin:     anyOrigin,
			ReadBufferSize:  256, // a small message with its header; a larger one is read past it
			WriteBufferSize: 4 << 10,
			WriteBufferPool: new(sync.Pool),
		},
		leave: true,
		serve: (*conn).serveLean,
	}
)

func newEngine(cfg engine.Config, f form) (engine.Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	overhttp.Secure(&cfg)
	return &listening{cfg: cfg, form: f}, nil
}

// listening is the engine.
type listening struct {
	cfg  engine.Config
	form form
}

// Serve implements [engine.Engine].
func (e *listening) Serve(ctx context.Context, listeners []net.Listener, h engine.Handler) error {
	s := &server{cfg: &e.cfg, form: &e.form, handler: h}
	return overhttp.Serve(ctx, s.cfg, listeners, h, s.upgrade)
}
