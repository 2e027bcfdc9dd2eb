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
	OwnTables: true,
	Summary:   "easygo epoll over raw descriptors, handler inline, no goroutine and no buffer while idle",
	New: func(cfg engine.Config) (engine.Engine, error) {
		if err := cfg.Validate(); err != nil {
			return nil, err
		}
		if cfg.TLS != nil {
			return nil, errors.New("netpoll reads raw descriptors and cannot speak TLS: leave the certificate out or choose another engine")
		}
		if cfg.Tables > 1 {
			cfg.Pollers = cfg.Tables
		} else if cfg.Pollers == 0 {
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
	census  *census
	tables  []*table // one, or one for each poller that has its descriptors for itself
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
	s.census = newCensus()
	s.tables = []*table{{census: s.census}}
	return s
}

func (s *server) serve(ctx context.Context, listeners []net.Listener) error {
	open := s.open
	if s.cfg.Tables > 1 {
		open = s.spread
	}
	doors, err := open(listeners)
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

// open starts the pollers and opens the doors. What it returns is to be shut also
// when there is an error.
func (s *server) open(listeners []net.Listener) ([]*door, error) {
	for range s.cfg.Pollers {
		p, err := newPoller(s)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("creating a poller: %w", err), closeAll(listeners))
		}
		s.pollers = append(s.pollers, p)
	}
	return s.listen(listeners)
}

// each calls f for every connection of this moment.
func (s *server) each(f func(*conn)) {
	for _, t := range s.tables {
		t.each(f)
	}
}

// drain says goodbye to every connection, and cuts those that have not answered
// after Config.DrainTimeout. No connection is accepted any more.
func (s *server) drain() error {
	empty := s.census.drained()
	s.each((*conn).leave)
	late := time.NewTimer(s.cfg.DrainTimeout)
	defer late.Stop()
	for {
		select {
		case <-empty:
			return nil
		case <-late.C:
			s.each(func(c *conn) { c.cut(engine.ErrDrainDeadline) })
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
		if p.apart != nil {
			errs = append(errs, p.retire())
			continue
		}
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
