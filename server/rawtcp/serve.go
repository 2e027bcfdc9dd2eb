package rawtcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"signalbench/server/engine"
)

// A Kind is one way to serve.
type Kind string

// The kinds.
const (
	Goroutine Kind = "goroutine" // package net, a goroutine for each connection
	Epoll     Kind = "epoll"     // one epoll instance, whose thread reads and echoes
	Epolls    Kind = "epolls"    // as many of them as there are listeners
	Pool      Kind = "pool"      // one epoll instance, and workers that read and echo
)

// A Config is what all kinds are made from.
type Config struct {
	// Outbox is how many bytes may wait for one peer.
	Outbox int
	// Workers is how many goroutines a Pool has.
	Workers int
	// Stats counts connections: one is accepted and upgraded at the same time.
	Stats *engine.Stats
	Log   *slog.Logger
}

// Serve serves on listeners until ctx is done, and closes everything then: nil after
// that. It takes ownership of the listeners, which are of package net's TCP, one for
// each event loop.
func Serve(ctx context.Context, kind Kind, listeners []net.Listener, cfg *Config) error {
	switch {
	case len(listeners) == 0 || len(listeners) > 1 && kind != Epolls:
		return errors.Join(fmt.Errorf("kind %s cannot serve on %d listeners", kind, len(listeners)), shut(listeners))
	case kind == Goroutine:
		return serveGoroutines(ctx, listeners[0], cfg)
	case kind == Epoll, kind == Epolls:
		return serveLoops(ctx, listeners, cfg)
	case kind == Pool:
		return servePool(ctx, listeners[0], cfg)
	}
	return errors.Join(fmt.Errorf("there is no kind %q", kind), shut(listeners))
}

func shut(listeners []net.Listener) error {
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}
