package workload

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/wire"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
)

type lane0 struct{ lane.Idle }

// The places of all connections are 0 to total-1, each once.
func TestRing(t *testing.T) {
	for _, counts := range [][]int{{}, {5}, {3, 3}, {3, 2}, {0, 4}, {1, 5, 3}, {7, 0, 2, 7}} {
		r := NewRing(counts)
		var all []int
		for i, n := range counts {
			last := -1
			for k := range n {
				at := r.place(i, k)
				if at <= last {
					t.Errorf("%v: lane %d has place %d after %d", counts, i, at, last)
				}
				last = at
				all = append(all, at)
			}
		}
		slices.Sort(all)
		for i, at := range all {
			if i != at {
				t.Fatalf("%v: places %v", counts, all)
			}
		}
		if len(all) != r.Total() {
			t.Errorf("%v: %d places, total %d", counts, len(all), r.Total())
		}
	}
}

func TestAgendaIsInOrder(t *testing.T) {
	var a agenda[planned]
	for _, at := range []time.Duration{5, 3, 8, 1, 9, 2, 7, 4, 6} {
		a.add(planned{at: at})
	}
	for want := time.Duration(1); want < 10; want++ {
		if p := a.pop(); p.at != want {
			t.Fatalf("%d came, want %d", p.at, want)
		}
	}
}

func TestAgenda(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var a agenda[planned]
	for range 1000 {
		a.add(planned{at: time.Duration(random.IntN(500)), conn: wire.Conn(random.IntN(50))})
	}
	a.drop(func(p planned) bool { return p.conn == 7 })
	last, n := time.Duration(0), 0
	for len(a) > 0 {
		p := a.pop()
		if p.at < last || p.conn == 7 {
			t.Fatalf("%+v came after %d", p, last)
		}
		last = p.at
		n++
	}
	if n < 900 || n == 1000 {
		t.Errorf("%d of 1000 came out", n)
	}
}

// A closed loop keeps exactly as many operations in flight as it was asked to,
// on every connection in turn, and counts each in the phase in which it was sent.
func TestClosedLoop(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ lanes, conns, inFlight int }{{1, 10, 10}, {1, 10, 3}, {2, 7, 4}, {1, 4, 10}, {3, 8, 8}} {
		perConn := make(map[int]int)
		var s *stand
		s = newStand(t, tc.lanes, tc.conns, 128, func(i int, n *wiretest.Net) {
			n.Latency = 10 * time.Millisecond
			n.Frame = func(p *wiretest.Peer, f ws.Frame) { perConn[s.conn(i, p.Conn)]++; wiretest.Echo(p, f) }
		})
		warm, main := s.run(func(i int, span Span) Stage {
			return NewClosed(s.lanes[i], s.d[i], s.ring(), span, tc.inFlight)
		})
		balanced(t, "warm-up", warm)
		balanced(t, "window", main)
		// 10 ms there and at once back: 100 rounds a second.
		if want := uint64(200 * tc.inFlight); main.Ops.Completed < want-uint64(tc.inFlight) || main.Ops.Completed > want {
			t.Errorf("%+v: %d completed in the window, want %d", tc, main.Ops.Completed, want)
		}
		if h := main.Histogram(record.Service); h.Max() > 10010*time.Microsecond || h.Min() < 9990*time.Microsecond {
			t.Errorf("%+v: service %v, want 10ms", tc, h)
		}
		if len(perConn) != tc.conns {
			t.Errorf("%+v: %d connections took part", tc, len(perConn))
		}
		if s.told != tc.lanes {
			t.Errorf("%+v: told %d times", tc, s.told)
		}
	}
}

// A closed loop goes on with the operations of connections that are lost.
func TestClosedLoopLosesConnections(t *testing.T) {
	t.Parallel()
	s := newStand(t, 1, 10, 128, func(_ int, n *wiretest.Net) {
		n.Latency = 10 * time.Millisecond
		n.Frame = func(p *wiretest.Peer, f ws.Frame) {
			if p.Conn < 9 && n.Now() > 12*time.Second {
				p.End(results.CauseClosed)
				return
			}
			wiretest.Echo(p, f)
		}
	})
	_, main := s.run(func(i int, span Span) Stage { return NewClosed(s.lanes[i], s.d[i], s.ring(), span, 10) })
	balanced(t, "window", main)
	if main.Dials.Lost != 9 || main.Ops.Failed < 9 {
		t.Errorf("lost %d, failed %d", main.Dials.Lost, main.Ops.Failed)
	}
	if main.Ops.Completed < 1900 {
		t.Errorf("%d completed, want some 2000: the load must not shrink", main.Ops.Completed)
	}
}

// Dials are due by the schedule, whatever the lanes are, and only once each.
func TestRamp(t *testing.T) {
	t.Parallel()
	for _, lanes := range []int{1, 2, 3} {
		s := newStand(t, lanes, 20, 128, nil)
		opened := 0
		for i, l := range s.lanes {
			n := s.nets[i]
			n.Idle = l.Stop
			n.Route = func(c wire.Conn, _ wire.Route) results.Cause {
				g := s.conn(i, c)
				if want := time.Second + time.Duration(g-5)*time.Second/100; g < 5 || g >= 17 || (n.Now()-want).Abs() > time.Microsecond {
					t.Errorf("%d lanes: connection %d dialled at %v, want %v", lanes, g, n.Now(), want)
				}
				opened++
				return ""
			}
			s.d[i].Begin(nil, s.main[i], Endless())
			l.Use(NewRamp(l, s.d[i], pace.Constant{Rate: 100}, time.Second, 5, 17, true, s.main[i]), s.main[i])
			done := make(chan error)
			go func() { done <- l.Run() }()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		_, main := s.sum()
		if opened != 12 || main.Dials.Upgraded != 12 || main.Ops.Completed != 12 || s.told != lanes {
			t.Errorf("%d lanes: dialled %d, upgraded %d, %d first echoes, told %d times", lanes, opened, main.Dials.Upgraded, main.Ops.Completed, s.told)
		}
		if h := main.Histogram(record.FirstEcho); h.Count()+h.Below() != 12 {
			t.Errorf("%d lanes: first echo %v", lanes, h)
		}
	}
}

// A ramp that has no start yet waits until it is told.
func TestRampWaitsForItsStart(t *testing.T) {
	t.Parallel()
	s := newStand(t, 1, 10, 128, nil)
	n, l := s.nets[0], s.lanes[0]
	n.Idle = l.Stop
	s.d[0].Begin(nil, s.main[0], Endless())
	ramp := NewRamp(l, s.d[0], nil, lane.Never, 0, 10, false, s.main[0])
	n.After(300*time.Millisecond, func(wire.Events) {
		if d := s.main[0].Dials; d.Scheduled != 0 || ramp.Dialled() {
			t.Errorf("it did not wait: %+v", d)
		}
		ramp.Start(400 * time.Millisecond)
	})
	l.Use(ramp, s.main[0])
	done := make(chan error)
	go func() { done <- l.Run() }()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if d := s.main[0].Dials; d.Upgraded != 10 || !ramp.Finished() || n.Now() < 400*time.Millisecond {
		t.Errorf("%+v at %v", d, n.Now())
	}
}

// A ramp that is given up drops what it has not dialled.
func TestRampAborted(t *testing.T) {
	t.Parallel()
	s := newStand(t, 1, 100, 128, nil)
	n, l := s.nets[0], s.lanes[0]
	n.Idle = l.Stop
	s.d[0].Begin(nil, s.main[0], Endless())
	ramp := NewRamp(l, s.d[0], pace.Constant{Rate: 100}, 0, 0, 100, false, s.main[0])
	n.After(300*time.Millisecond, func(wire.Events) { ramp.Abort(results.CauseStopped) })
	l.Use(ramp, s.main[0])
	done := make(chan error)
	go func() { done <- l.Run() }()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	d := s.main[0].Dials
	if d.Scheduled != 100 || d.Upgraded < 30 || d.Upgraded > 31 || d.Dropped != 100-d.Upgraded || d.Causes[results.CauseStopped] != d.Dropped || !ramp.Finished() {
		t.Errorf("%+v", d)
	}
}

// In a churn connections end and come back at once, as often as their lifetimes
// say, and all are there at the end.
func TestChurn(t *testing.T) {
	t.Parallel()
	for _, fixed := range []bool{false, true} {
		s := newStand(t, 2, 100, 128, func(_ int, n *wiretest.Net) { n.Latency = time.Millisecond })
		life := Lifetimes{Mean: 500 * time.Millisecond, Fixed: fixed, Seed: 1}
		warm, main := s.run(func(i int, span Span) Stage {
			return NewChurn(s.lanes[i], s.d[i], span, Shards{s.warm[i], s.main[i]}, life, true)
		})
		d := main.Dials
		if d.Scheduled != d.Upgraded || d.Lost != 0 || main.Ops.Completed != d.Upgraded || main.Ops.Scheduled != main.Ops.Completed {
			t.Errorf("fixed %v: %+v %+v", fixed, d, main.Ops)
		}
		// 100 connections, 2 seconds, half a second each: 400, less the moments
		// in which they are dialled.
		if d.Upgraded < 330 || d.Upgraded > 460 || warm.Dials.Upgraded < 150 {
			t.Errorf("fixed %v: %d upgrades in the window, %d in the warm-up; want some 400 and 200", fixed, d.Upgraded, warm.Dials.Upgraded)
		}
		for i, l := range s.lanes {
			if l.Open() != l.Conns || !s.stages[i].Finished() {
				t.Errorf("fixed %v: lane %d has %d of %d open, finished %v", fixed, i, l.Open(), l.Conns, s.stages[i].Finished())
			}
		}
		if h := main.Histogram(record.Dial); h.Count() != d.Upgraded || h.Min() < time.Millisecond {
			t.Errorf("fixed %v: dial %v", fixed, h)
		}
		if s.told != 2 {
			t.Errorf("told %d times", s.told)
		}
	}
}

// A server that refuses for a while is dialled again, each time as a new dial.
func TestChurnAgainstRefusals(t *testing.T) {
	t.Parallel()
	s := newStand(t, 1, 10, 128, func(_ int, n *wiretest.Net) {
		n.Route = func(wire.Conn, wire.Route) results.Cause {
			if at := n.Now(); at > 11500*time.Millisecond && at < 12500*time.Millisecond {
				return results.CauseRefused
			}
			return ""
		}
	})
	_, main := s.run(func(i int, span Span) Stage {
		return NewChurn(s.lanes[i], s.d[i], span, Shards{s.warm[i], s.main[i]}, Lifetimes{Mean: 200 * time.Millisecond, Seed: 3}, false)
	})
	d := main.Dials
	if d.Scheduled != d.Upgraded+d.Failed || d.Failed < 50 || d.Causes[results.CauseRefused] != d.Failed {
		t.Errorf("%+v", d)
	}
	if s.lanes[0].Open() != 10 {
		t.Errorf("%d of 10 are open at the end", s.lanes[0].Open())
	}
}

// A teardown ends everything at its pace, answered or not.
func TestTeardown(t *testing.T) {
	t.Parallel()
	for _, answers := range []bool{true, false} {
		var times []time.Duration
		s := newStand(t, 1, 20, 128, func(_ int, n *wiretest.Net) {
			n.Frame = func(p *wiretest.Peer, f ws.Frame) {
				times = append(times, n.Now())
				if answers {
					wiretest.Echo(p, f)
				}
			}
		})
		_, main := s.run(func(i int, span Span) Stage {
			return NewTeardown(s.lanes[i], s.d[i], pace.Constant{Rate: 1000}, span.Start, nil)
		})
		if s.lanes[0].Open()+s.lanes[0].Closing() != 0 || main.Dials.Lost != 0 || s.told != 1 {
			t.Errorf("answers %v: %d open, %d closing, %d lost, told %d times", answers, s.lanes[0].Open(), s.lanes[0].Closing(), main.Dials.Lost, s.told)
		}
		if len(times) != 20 {
			t.Errorf("answers %v: %d close frames", answers, len(times))
		}
		for i, at := range times {
			if due := 10*time.Second + time.Duration(i)*time.Millisecond; at < due {
				t.Errorf("answers %v: close frame %d at %v, due at %v", answers, i, at, due)
			}
		}
	}
}

// A teardown that is held back goes on at its pace, and so does one that was late:
// nothing is caught up with.
func TestTeardownIsHeld(t *testing.T) {
	t.Parallel()
	for name, hold := range map[string]func(*stand, *Brake){
		"held": func(s *stand, b *Brake) {
			s.nets[0].After(10*time.Second+9500*time.Microsecond, func(wire.Events) { b.Hold(100 * time.Millisecond) })
		},
		"late": func(s *stand, _ *Brake) {
			s.nets[0].After(10*time.Second+9500*time.Microsecond, func(wire.Events) { s.nets[0].Sleep(100*time.Millisecond + 500*time.Microsecond) })
		},
	} {
		var times []time.Duration
		s := newStand(t, 1, 20, 128, func(_ int, n *wiretest.Net) {
			n.Frame = func(p *wiretest.Peer, f ws.Frame) { times = append(times, n.Now()-10*time.Second); wiretest.Echo(p, f) }
		})
		var brake Brake
		hold(s, &brake)
		s.run(func(i int, span Span) Stage {
			return NewTeardown(s.lanes[i], s.d[i], pace.Constant{Rate: 1000}, span.Start, &brake)
		})
		for i, at := range times {
			due := time.Duration(i) * time.Millisecond
			if i >= 10 {
				due += 100 * time.Millisecond
			}
			if (at - due).Abs() > 100*time.Microsecond {
				t.Errorf("%s: close frame %d at %v, want %v", name, i, at, due)
			}
		}
		if len(times) != 20 || s.told != 1 {
			t.Errorf("%s: %d close frames, told %d times", name, len(times), s.told)
		}
	}
}

// A connection that is idle has nothing outstanding, and what comes unasked is
// in no count.
func TestHold(t *testing.T) {
	t.Parallel()
	s := newStand(t, 1, 1, 128, func(_ int, n *wiretest.Net) {
		n.After(15*time.Second, func(h wire.Events) { h.Data(0, ws.MustCompileFrame(ws.NewTextFrame([]byte("news")))) })
	})
	_, main := s.run(func(i int, _ Span) Stage { return NewHold(s.lanes[i], s.d[i]) })
	if main.Ops.Scheduled != 0 || main.Unexpected != 1 || !s.stages[0].Finished() {
		t.Errorf("%+v, %d unexpected", main.Ops, main.Unexpected)
	}
}
