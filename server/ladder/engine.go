package ladder

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"

	"github.com/mailru/easygo/netpoll"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/overhttp"
)

// ioBytes is the size of every buffer in the article, and of net/http's own.
const ioBytes = 4 << 10

// A rung is what the four engines differ in.
type rung struct {
	name  string
	loops bool // a goroutine that reads and one that writes; else readiness
	pool  bool // of the readiness: handed to a bounded pool of goroutines
	raw   bool // the opening handshake without net/http; needs readiness
}

// new is the rung's engine.Entry.New.
func (r rung) new(cfg engine.Config) (engine.Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.TLS != nil {
		return nil, fmt.Errorf("%s is one of the article's servers, which spoke no TLS: leave the certificate out or choose another engine", r.name)
	}
	if cfg.Workers == 0 {
		cfg.Workers = 4 * runtime.GOMAXPROCS(0)
	}
	return &listening{cfg: cfg, rung: r}, nil
}

// listening is the engine.
type listening struct {
	cfg  engine.Config
	rung rung
}

// Serve implements [engine.Engine]. The listeners must be TCP's.
func (e *listening) Serve(ctx context.Context, listeners []net.Listener, h engine.Handler) error {
	s := &server{cfg: &e.cfg, rung: e.rung, handler: h, set: conns.NewSet(&e.cfg)}
	if e.rung.loops {
		return s.set.Serve(ctx, listeners, overhttp.Accept(s.cfg, s.handler, s.upgradeHTTP))
	}
	return s.serveReady(ctx, listeners)
}

// server is what the connections of one Serve share.
type server struct {
	cfg     *engine.Config
	rung    rung
	handler engine.Handler
	set     *conns.Set

	// Of the rungs with readiness.
	epoll *netpoll.Epoll
	pool  *pool          // nil without
	busy  sync.WaitGroup // goroutines that serve an event or an end
}

// serveReady serves connections that are read from when epoll says so.
func (s *server) serveReady(ctx context.Context, listeners []net.Listener) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	epoll, err := netpoll.EpollCreate(&netpoll.EpollConfig{OnWaitError: func(err error) { stop(waitError{err}) }})
	if err != nil {
		for _, l := range listeners {
			err = errors.Join(err, l.Close())
		}
		return fmt.Errorf("creating an epoll instance: %w", err)
	}
	s.epoll = epoll
	if s.rung.pool {
		s.pool = newPool(s.cfg.Workers)
	}
	accept := s.acceptRaw
	if !s.rung.raw {
		accept = overhttp.Accept(s.cfg, s.handler, s.upgradeHTTP)
	}
	watchable := make([]net.Listener, len(listeners))
	for i, l := range listeners {
		watchable[i] = sockets{l}
	}
	sweeping, swept := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(swept)
		s.sweep(sweeping)
	}()
	err = s.set.Serve(ctx, watchable, accept)
	close(sweeping)
	<-swept
	err = errors.Join(err, epoll.Close())
	if s.pool != nil {
		s.pool.close()
	}
	s.busy.Wait()
	if broken, ok := errors.AsType[waitError](context.Cause(ctx)); ok {
		err = errors.Join(broken, err)
	}
	return err
}

// A waitError is why no more events come.
type waitError struct{ error }

func (e waitError) Error() string { return "waiting for events: " + e.error.Error() }
func (e waitError) Unwrap() error { return e.error }
