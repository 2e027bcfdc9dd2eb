package netpoll

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"signalbench/server/engine"
)

// Entry is the engine in the server's list.
var Entry = engine.Entry{
	Name:      "netpoll",
	IdleBytes: 180,
	Summary:   "easygo epoll over raw descriptors, handler inline, no goroutine and no buffer while idle",
	New: func(cfg engine.Config) (engine.Engine, error) {
		if err := cfg.Validate(); err != nil {
			return nil, err
		}
		if cfg.TLS != nil {
			return nil, errors.New("netpoll reads raw descriptors and cannot speak TLS: leave the certificate out or choose another engine")
		}
		if cfg.Pollers == 0 {
			cfg.Pollers = max(1, runtime.GOMAXPROCS(0)/2)
		}
		return &Engine{cfg: cfg}, nil
	},
}

// Engine serves any number of times, also at once: it keeps nothing but its
// configuration.
type Engine struct{ cfg engine.Config }

// A server is one Serve.
type server struct {
	cfg     *engine.Config
	handler engine.Handler
	clock   clock
	table   table
	pollers []*poller
	dealt   atomic.Uint32 // connections dealt to pollers, round-robin
	broken  chan error    // a poller's wait failed
}

// Serve implements [engine.Engine]. The listeners must be sockets of package net.
func (e *Engine) Serve(ctx context.Context, listeners []net.Listener, h engine.Handler) error {
	return newServer(&e.cfg, h).serve(ctx, listeners)
}

func newServer(cfg *engine.Config, h engine.Handler) *server {
	s := &server{cfg: cfg, handler: h, broken: make(chan error, 2*cfg.Pollers)}
	s.clock.init(cfg)
	s.table.init()
	return s
}

func (s *server) serve(ctx context.Context, listeners []net.Listener) error {
	for range s.cfg.Pollers {
		p, err := newPoller(s)
		if err != nil {
			return errors.Join(fmt.Errorf("creating a poller: %w", err), s.stop(), closeAll(listeners))
		}
		s.pollers = append(s.pollers, p)
	}
	doors, err := s.listen(listeners)
	if err != nil {
		return errors.Join(err, shut(doors), s.stop())
	}
	sweeping := make(chan struct{})
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		s.sweep(sweeping, doors)
	}()

	select {
	case <-ctx.Done():
		err = errors.Join(shut(doors), s.drain())
	case broken := <-s.broken:
		err = errors.Join(fmt.Errorf("waiting for events: %w", broken), shut(doors))
	}
	close(sweeping)
	<-swept
	return errors.Join(err, s.stop())
}

// drain says goodbye to every connection, and cuts those that have not answered
// after Config.DrainTimeout. No connection is accepted any more.
func (s *server) drain() error {
	empty := s.table.drained()
	s.table.each((*conn).leave)
	late := time.NewTimer(s.cfg.DrainTimeout)
	defer late.Stop()
	for {
		select {
		case <-empty:
			return nil
		case <-late.C:
			s.table.each(func(c *conn) { c.cut(engine.ErrDrainDeadline) })
			select {
			case <-empty:
			case err := <-s.broken:
				return err // stop ends what is left
			}
			return engine.ErrDrainDeadline
		case err := <-s.broken:
			return err
		}
	}
}

// stop closes the pollers. A connection that is still there, because its poller
// broke, is ended by the event that easygo then makes up.
func (s *server) stop() error {
	var errs []error
	for _, p := range s.pollers {
		errs = append(errs, p.epoll.Close())
	}
	return errors.Join(errs...)
}

func closeAll(listeners []net.Listener) error {
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}
