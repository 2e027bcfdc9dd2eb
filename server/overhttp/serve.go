package overhttp

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/upgrade"
)

// An Upgrade answers an opening handshake that was found good and accepted, and
// runs the connection. It calls Refused and Leave of nc or Upgraded of nc, as the
// upgrade fails or succeeds; request is what the handler accepted.
type Upgrade func(w http.ResponseWriter, r *http.Request, nc *conns.Conn, request *engine.Request)

// Secure makes cfg one for HTTP/1.1 alone: an upgrade of HTTP/2 is another protocol
// (RFC 8441).
func Secure(cfg *engine.Config) {
	if cfg.TLS != nil {
		cfg.TLS = cfg.TLS.Clone()
		cfg.TLS.NextProtos = []string{"http/1.1"}
	}
}

// Serve is [engine.Engine.Serve] for an engine that takes part from the upgrade on.
func Serve(ctx context.Context, cfg *engine.Config, listeners []net.Listener, h engine.Handler, up Upgrade) error {
	return conns.NewSet(cfg).Serve(ctx, listeners, Accept(cfg, h, up))
}

// Accept returns what serves one listener of a [conns.Set], for an engine that has its
// own: net/http accepts the connections and reads their requests, until the listener
// is closed.
func Accept(cfg *engine.Config, h engine.Handler, up Upgrade) func(net.Listener) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	srv := &http.Server{
		Handler:        &server{cfg: cfg, handler: h, upgrade: up},
		MaxHeaderBytes: upgrade.MaxRequest,
		Protocols:      protocols,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, socketKey{}, Socket(c))
		},
		ConnState: func(c net.Conn, state http.ConnState) {
			if state == http.StateClosed { // it has not been hijacked, so it is net/http's last word
				Socket(c).Leave()
			}
		},
		ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	// One request is an upgrade or the end. The time of the handshake is the
	// socket's own and so needs no timeout here.
	srv.SetKeepAlivesEnabled(false)
	return func(l net.Listener) error {
		if cfg.TLS != nil {
			l = tls.NewListener(l, cfg.TLS)
		}
		return srv.Serve(l)
	}
}

// socketKey is the context key of a request's *conns.Conn.
type socketKey struct{}

// Socket returns the socket under a connection of net/http.
func Socket(c net.Conn) *conns.Conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return c.(*conns.Conn)
}
