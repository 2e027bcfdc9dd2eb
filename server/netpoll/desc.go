package netpoll

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mailru/easygo/netpoll"

	"signalbench/server/conns"
	"signalbench/server/engine"
)

// DescEntry is the lesson in the server's list: epoll by netpoll.Desc, as "A
// Million WebSockets and Go" (2017) used it.
//
// Accepted connections are package net's. A worker of a bounded pool answers the
// handshake, then the connection is handed to netpoll.HandleReadOnce, which
// duplicates its descriptor, and to Poller.Start. An event is one-shot: its
// callback hands the connection to a worker, which reads until it has a whole
// message, runs the handler, and re-arms with Poller.Resume. This saves the
// goroutine of an idle connection, which was the point. What it costs:
//
//   - A message that is not whole holds a worker, and when all are held, the
//     goroutine that waits for events: nobody is served any more.
//   - Resume calls os.File.Fd, which puts the duplicated descriptor, and with it
//     the socket, into blocking mode. From then on deadlines end neither a read
//     nor a write, and a write to a peer that does not read waits for it, with
//     its worker and whoever else sends to that peer.
//   - Nobody reads from an idle connection, so no deadline ends it.
//   - Two descriptors, and two registrations with an epoll, for each connection.
//
// None of this is a mistake in this file: with the same conns, upgrade and frame
// packages as the other engines, it is what remains.
var DescEntry = engine.Entry{
	Name:      "netpoll-desc",
	IdleBytes: 2000,
	Summary:   "lesson: easygo netpoll.Desc with one-shot events and a pool of workers, as published in 2017",
	New: func(cfg engine.Config) (engine.Engine, error) {
		if err := cfg.Validate(); err != nil {
			return nil, err
		}
		if cfg.TLS != nil {
			return nil, errors.New("netpoll-desc watches the descriptor below TLS, which does not tell when a message is ready: leave the certificate out or choose another engine")
		}
		if cfg.Workers == 0 {
			cfg.Workers = descWorkers
		}
		return &descEngine{cfg: cfg}, nil
	},
	Lesson: lesson,
}

// descWorkers is this engine's default of Config.Workers, whatever the number of
// processors: what it fails should not depend on the machine.
const descWorkers = 8

type descEngine struct{ cfg engine.Config }

// A descServer is one Serve.
type descServer struct {
	cfg     *engine.Config
	handler engine.Handler
	poller  netpoll.Poller
	tasks   chan func() // to the workers; unbuffered: whoever schedules waits for a free one

	mu       sync.Mutex
	twins    map[*twin]struct{}
	farewell sync.WaitGroup // close frames being written by a drain
}

// Serve implements [engine.Engine].
func (e *descEngine) Serve(ctx context.Context, listeners []net.Listener, h engine.Handler) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	poller, err := netpoll.New(&netpoll.Config{OnWaitError: func(err error) { stop(err) }})
	if err != nil {
		return errors.Join(err, closeAll(listeners))
	}
	s := &descServer{cfg: &e.cfg, handler: h, poller: poller, tasks: make(chan func()), twins: make(map[*twin]struct{})}
	var workers sync.WaitGroup
	for range e.cfg.Workers {
		workers.Go(func() {
			for task := range s.tasks {
				task()
			}
		})
	}
	// A write may block for as long as a peer likes, and hold the locks that the
	// end of a drain needs. So the sockets are shut down behind its back.
	overdue := make(chan struct{})
	var cut atomic.Bool
	cutting := context.AfterFunc(ctx, func() {
		late := time.NewTimer(s.cfg.DrainTimeout)
		defer late.Stop()
		select {
		case <-late.C:
			s.shutAll(&cut)
		case <-overdue:
		}
	})
	paired := make([]net.Listener, len(listeners))
	for i, l := range listeners {
		paired[i] = pairing{l, s}
	}
	err = conns.NewSet(s.cfg).Serve(ctx, paired, func(l net.Listener) error { return s.accept(ctx, l) })
	close(overdue)
	cutting()
	if err == nil && cut.Load() {
		err = engine.ErrDrainDeadline // the set saw them leave, and not why
	}
	s.farewell.Wait()
	close(s.tasks)
	workers.Wait()
	if broken := context.Cause(ctx); broken != nil && !errors.Is(broken, context.Canceled) && !errors.Is(broken, context.DeadlineExceeded) {
		err = errors.Join(broken, err)
	}
	return errors.Join(err, s.poller.(io.Closer).Close())
}

// accept hands connections to the workers until l fails or ctx is done.
func (s *descServer) accept(ctx context.Context, l net.Listener) error {
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		c := &descConn{server: s, nc: nc.(*conns.Conn)}
		c.twin = c.nc.Conn.Conn.(*twin)
		select {
		case s.tasks <- c.handshake:
		case <-ctx.Done():
			c.refused()
		}
	}
}

// shutAll ends every read and write that is under way. It sets cut before that
// if there is any connection left.
func (s *descServer) shutAll(cut *atomic.Bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.twins) > 0 {
		cut.Store(true)
	}
	for t := range s.twins {
		t.shut()
	}
}
