package gorilla

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/upgrade"
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
	if cfg.TLS != nil {
		cfg.TLS = cfg.TLS.Clone()
		cfg.TLS.NextProtos = []string{"http/1.1"} // an upgrade of HTTP/2 is another protocol (RFC 8441)
	}
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
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	srv := &http.Server{
		Handler:        s,
		MaxHeaderBytes: upgrade.MaxRequest,
		Protocols:      protocols,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, socketKey{}, socketOf(c))
		},
		ConnState: func(c net.Conn, state http.ConnState) {
			if state == http.StateClosed { // it has not been hijacked, so it is net/http's last word
				socketOf(c).Leave()
			}
		},
		ErrorLog: slog.NewLogLogger(e.cfg.Log.Handler(), slog.LevelDebug),
	}
	// One request is an upgrade or the end. The time of the handshake is the
	// socket's own and so needs no timeout here.
	srv.SetKeepAlivesEnabled(false)
	return conns.NewSet(s.cfg).Serve(ctx, listeners, func(l net.Listener) error {
		if e.cfg.TLS != nil {
			l = tls.NewListener(l, e.cfg.TLS)
		}
		return srv.Serve(l)
	})
}

// socketKey is the context key of a request's *conns.Conn.
type socketKey struct{}

// socketOf returns the socket under a connection of net/http.
func socketOf(c net.Conn) *conns.Conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return c.(*conns.Conn)
}
