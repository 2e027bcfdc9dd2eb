package netpoll_test

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"signalbench/server/engine"
	"signalbench/server/frame"
	"signalbench/server/netpoll"
)

// homes opens n connections and returns them by their homes, with their peers.
func homes(tb testing.TB, n int, edit func(*engine.Config)) (*serving, map[engine.Home][]engine.Conn, []*peer) {
	tb.Helper()
	opened := make(chan engine.Conn, n)
	s := serve(tb, apart, hooks{open: func(c engine.Conn, _ *engine.Request) { opened <- c }}, edit)
	conns := make(map[engine.Home][]engine.Conn)
	var peers []*peer
	for range n {
		peers = append(peers, s.open(tb))
		c := <-opened
		conns[c.Home()] = append(conns[c.Home()], c)
	}
	return s, conns, peers
}

// finished waits for something that a job closes.
func finished(tb testing.TB, what string, done <-chan struct{}) {
	tb.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		tb.Fatalf("not in time: %s", what)
	}
}

// Without tables of their own there are no homes: every goroutine reaches the kernel.
func TestNoHome(t *testing.T) {
	for _, e := range []engine.Entry{netpoll.Entry, netpoll.DescEntry} {
		opened := make(chan engine.Conn, 1)
		s := serve(t, e, hooks{open: func(c engine.Conn, _ *engine.Request) { opened <- c }}, nil)
		s.open(t)
		if home := (<-opened).Home(); home != nil {
			t.Errorf("%s: the home is %v, want nil", e.Name, home)
		}
	}
}

// The jobs of a home run on one thread, in order, and what they send leaves at once.
func TestJobsRunInOrderOnOneThread(t *testing.T) {
	t.Parallel()
	_, conns, peers := homes(t, 12, nil)
	const jobs = 300
	messages := make([]*engine.Prepared, jobs)
	for i := range messages {
		messages[i] = frame.Prepare(engine.OpText, fmt.Appendf(nil, "message %d", i))
	}
	for home, own := range conns {
		var next, thread int
		for i, m := range messages {
			took := home.Do(func() {
				if i != next {
					t.Errorf("job %d runs where %d is due", i, next)
				}
				next++
				switch tid := unix.Gettid(); thread {
				case tid:
				case 0:
					thread = tid
				default:
					t.Errorf("job %d runs on thread %d, others on %d", i, tid, thread)
				}
				for _, c := range own {
					if err := c.SendPrepared(m); err != nil {
						t.Error(err)
					}
				}
			})
			if !took {
				t.Fatal("a home that is there takes no job")
			}
		}
	}
	for _, p := range peers {
		for _, m := range messages {
			if err := p.want(ws.OpText, m.Payload); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What was sent before a job was posted comes before what the job sends.
func TestJobSendsBehindEarlierSends(t *testing.T) {
	t.Parallel()
	_, conns, peers := homes(t, 3, nil)
	for i := range 200 {
		first, second := fmt.Appendf(nil, "first %d", i), frame.Prepare(engine.OpText, fmt.Appendf(nil, "second %d", i))
		for home, own := range conns {
			for _, c := range own {
				if err := c.Send(engine.OpText, first); err != nil {
					t.Fatal(err)
				}
				home.Do(func() { _ = c.SendPrepared(second) })
			}
		}
		for _, p := range peers {
			if err := p.want(ws.OpText, first); err != nil {
				t.Fatal(err)
			}
			if err := p.want(ws.OpText, second.Payload); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A job that always asks for another keeps nobody from being served: not the
// connections, and not the jobs of others.
func TestJobInPartsLeavesRoom(t *testing.T) {
	t.Parallel()
	s, conns, peers := homes(t, 6, nil)
	var parts atomic.Int64
	var over atomic.Bool
	var left sync.WaitGroup
	for home := range conns {
		left.Add(1)
		var part func()
		part = func() {
			parts.Add(1)
			if over.Load() || !home.Do(part) {
				left.Done()
			}
		}
		home.Do(part)
	}
	for i := range 50 {
		before := parts.Load()
		for _, p := range peers {
			if err := p.echo(fmt.Sprint("while a job goes on ", i)); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "the job goes on", func() bool { return parts.Load() > before })
	}
	p, err := s.upgrade()
	if err != nil {
		t.Errorf("no connection is taken while a job goes on: %v", err)
	} else {
		p.Close()
	}
	for home := range conns {
		done := make(chan struct{})
		home.Do(func() { close(done) })
		finished(t, "another job", done)
	}
	over.Store(true)
	left.Wait()
}

// A job that panics is not the end of its poller.
func TestJobPanics(t *testing.T) {
	t.Parallel()
	_, conns, peers := homes(t, 3, nil)
	for home := range conns {
		home.Do(func() { panic("a job") })
		done := make(chan struct{})
		home.Do(func() { close(done) })
		finished(t, "the job behind one that panics", done)
	}
	for _, p := range peers {
		if err := p.echo("still here"); err != nil {
			t.Error(err)
		}
	}
}

// Serve ends while jobs come without an end, and then none is taken.
func TestJobsOfAnEndedServer(t *testing.T) {
	s, conns, _ := homes(t, 6, nil)
	refused := make(chan struct{}, len(conns))
	var posting sync.WaitGroup
	for home, own := range conns {
		message := frame.Prepare(engine.OpText, []byte("are you there?"))
		var posted atomic.Int64 // and not run
		posting.Go(func() {
			for home.Do(func() { _ = own[0].SendPrepared(message); posted.Add(-1) }) {
				for posted.Add(1); posted.Load() > 100 && !s.ended(); runtime.Gosched() {
				}
			}
			refused <- struct{}{}
		})
		var again func()
		again = func() { home.Do(again) }
		home.Do(again)
	}
	_ = s.end(t)
	posting.Wait()
	for home := range conns {
		<-refused
		if home.Do(func() { t.Error("a job of an ended home runs") }) {
			t.Error("an ended home takes a job")
		}
	}
}

// A burst from elsewhere that the poller has had no chance to offer to the peer is
// held against nobody on the poller's own thread.
func TestJobOffersWhatWaitsFirst(t *testing.T) {
	t.Parallel()
	_, conns, peers := homes(t, 3, func(cfg *engine.Config) { cfg.Outbox = 1000 })
	message := frame.Prepare(engine.OpBinary, make([]byte, 500))
	for home, own := range conns {
		held, filled := make(chan struct{}), make(chan struct{})
		home.Do(func() { close(held); <-filled })
		finished(t, "the poller is held", held)
		for _, c := range own {
			for range 2 {
				if err := c.SendPrepared(message); err != nil {
					t.Fatal(err)
				}
			}
		}
		sent := make(chan struct{})
		home.Do(func() {
			defer close(sent)
			for _, c := range own {
				if err := c.SendPrepared(message); err != nil {
					t.Error(err)
				}
			}
		})
		close(filled)
		finished(t, "the job that sends", sent)
	}
	for _, p := range peers {
		for range 3 {
			if err := p.want(ws.OpBinary, message.Payload); err != nil {
				t.Error(err)
			}
		}
	}
}

// To send a prepared message allocates nothing, from a goroutine or by a job.
func TestSendPreparedAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools forget on purpose")
	}
	message := frame.Prepare(engine.OpText, make([]byte, 500))
	received := make([]byte, len(message.Frame))
	check := func(t *testing.T, p *peer, send func()) {
		t.Helper()
		n := testing.AllocsPerRun(2000, func() {
			send()
			if _, err := io.ReadFull(p.r, received); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%v allocations for each message", n)
		}
	}
	alone(t, func(t *testing.T, e engine.Entry) {
		opened := make(chan engine.Conn, 1)
		s := serve(t, e, hooks{open: func(c engine.Conn, _ *engine.Request) { opened <- c }}, nil)
		p := s.open(t)
		c := <-opened
		send := func() {
			if err := c.SendPrepared(message); err != nil {
				t.Error(err)
			}
		}
		check(t, p, send)
		if home := c.Home(); home != nil {
			check(t, p, func() { home.Do(send) })
		}
	})
}
