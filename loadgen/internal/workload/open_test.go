package workload

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/wire"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
)

func (s *stand) open(rate pace.Rate) func(int, Span) Stage {
	return func(i int, span Span) Stage {
		return NewOpen(s.lanes[i], s.d[i], s.ring(), span,
			pace.Constant{Rate: rate, Length: span.Main - span.Start}, pace.Constant{Rate: rate, Length: span.End - span.Main})
	}
}

// Every operation is sent when it is due, each connection has the same part, and
// the times are what the network takes.
func TestOpenLoop(t *testing.T) {
	t.Parallel()
	for _, lanes := range []int{1, 2, 3} {
		sent := make(map[int]int)
		var s *stand
		s = newStand(t, lanes, 10, 128, func(i int, n *wiretest.Net) {
			n.Latency = time.Millisecond
			n.Frame = func(p *wiretest.Peer, f ws.Frame) { sent[s.conn(i, p.Conn)]++; wiretest.Echo(p, f) }
		})
		warm, main := s.run(s.open(1000))
		balanced(t, "warm-up", warm)
		balanced(t, "window", main)
		if warm.Ops.Completed != 1000 || main.Ops.Completed != 2000 {
			t.Errorf("%d lanes: %d and %d completed, want 1000 and 2000", lanes, warm.Ops.Completed, main.Ops.Completed)
		}
		for c, n := range sent {
			if n != 300 {
				t.Errorf("%d lanes: connection %d sent %d, want 300", lanes, c, n)
			}
		}
		if len(sent) != 10 || s.told != lanes {
			t.Errorf("%d lanes: %d connections sent, told %d times", lanes, len(sent), s.told)
		}
		for _, m := range []record.Metric{record.Response, record.Service} {
			h := main.Histogram(m)
			if h.Min() < 999*time.Microsecond || h.Max() > 1001*time.Microsecond {
				t.Errorf("%d lanes: %s %v, want 1ms", lanes, m, h)
			}
		}
		if lag := main.Histogram(record.Lag); lag.Count() != 0 {
			t.Errorf("%d lanes: lag %v in virtual time", lanes, lag)
		}
		if main.Ops.BytesSent != 2000*128 || main.Ops.BytesReceived != 2000*128 {
			t.Errorf("%d bytes sent, %d received", main.Ops.BytesSent, main.Ops.BytesReceived)
		}
	}
}

// A server that stops for 200 ms of each second delays a fifth of all operations
// by 100 ms on average. An open loop shows that as arithmetic says.
func TestOpenLoopShowsAPause(t *testing.T) {
	t.Parallel()
	const stop = 200 * time.Millisecond
	s := newStand(t, 1, 10, 128, func(_ int, n *wiretest.Net) {
		n.Frame = func(p *wiretest.Peer, f ws.Frame) {
			if !message(p, f) {
				return
			}
			wait := time.Duration(0)
			if into := n.Now() % time.Second; into < stop {
				wait = stop - into
			}
			p.WriteAfter(wait+time.Millisecond, ws.MustCompileFrame(ws.NewTextFrame(f.Payload)))
		}
	})
	_, main := s.run(s.open(1000))
	balanced(t, "window", main)
	h := main.Histogram(record.Response)
	for _, tc := range []struct {
		q    float64
		want time.Duration
	}{{0.50, time.Millisecond}, {0.79, time.Millisecond}, {0.90, 101 * time.Millisecond}, {0.99, 191 * time.Millisecond}, {1, 201 * time.Millisecond}} {
		if got := h.Quantile(tc.q); (got - tc.want).Abs() > tc.want/500+time.Millisecond {
			t.Errorf("p%g is %v, want %v", tc.q*100, got, tc.want)
		}
	}
}

// What is answered in the drain was not answered in the window, and says that the
// server does not keep up.
func TestOnTime(t *testing.T) {
	t.Parallel()
	s := newStand(t, 1, 10, 128, func(_ int, n *wiretest.Net) {
		n.Frame = func(p *wiretest.Peer, f ws.Frame) {
			if message(p, f) {
				p.WriteAfter(500*time.Millisecond, ws.MustCompileFrame(ws.NewTextFrame(f.Payload)))
			}
		}
	})
	warm, main := s.run(s.open(1000))
	if warm.Ops.Completed != 1000 || main.Ops.Completed != 2000 {
		t.Errorf("%d and %d completed", warm.Ops.Completed, main.Ops.Completed)
	}
	if warm.OnTime < 499 || warm.OnTime > 501 || main.OnTime < 1499 || main.OnTime > 1501 {
		t.Errorf("%d and %d on time, want 500 and 1500", warm.OnTime, main.OnTime)
	}
}

// A generator that is too slow for its schedule sends everything all the same,
// and its lateness is in the lag and in the response time.
func TestOpenLoopShowsALateGenerator(t *testing.T) {
	t.Parallel()
	s := newStand(t, 1, 10, 128, func(_ int, n *wiretest.Net) { n.Tick = 600 * time.Microsecond })
	_, main := s.run(s.open(1000))
	balanced(t, "window", main)
	if main.Ops.Completed != 2000 {
		t.Errorf("%d completed, want 2000", main.Ops.Completed)
	}
	lag, response := main.Histogram(record.Lag), main.Histogram(record.Response)
	if lag.Quantile(0.99) < 100*time.Millisecond || response.Quantile(0.99) < lag.Quantile(0.99) {
		t.Errorf("lag %v, response %v", lag, response)
	}
	if service := main.Histogram(record.Service); service.Quantile(0.5) > 50*time.Millisecond {
		t.Errorf("service %v is the generator's lateness too", service)
	}
}

// Each fault of delivery is counted exactly, in the phase of its operation.
func TestFaultsAreCountedExactly(t *testing.T) {
	t.Parallel()
	type fault func(p *wiretest.Peer, payload []byte)
	reply := func(p *wiretest.Peer, b []byte) { p.Reply(ws.OpText, b) }
	for _, tc := range []struct {
		name    string
		payload int
		do      fault
		want    results.Ops
	}{
		{"dropped", 128, func(*wiretest.Peer, []byte) {}, results.Ops{Missing: 10, Failed: 10}},
		{"doubled", 128, func(p *wiretest.Peer, b []byte) { reply(p, b); reply(p, b) }, results.Ops{Duplicate: 10}},
		{"doubled at once", 128, func(p *wiretest.Peer, b []byte) {
			f := ws.MustCompileFrame(ws.NewTextFrame(b))
			p.Write(append(f, f...))
		}, results.Ops{Duplicate: 10}},
		{"body corrupt", 128, func(p *wiretest.Peer, b []byte) { b[100] ^= 1; reply(p, b) }, results.Ops{Corrupt: 10, Failed: 10}},
		{"header corrupt", 128, func(p *wiretest.Peer, b []byte) { b[7] ^= 1; reply(p, b) }, results.Ops{Corrupt: 10, Failed: 10}},
		{"cut short", 128, func(p *wiretest.Peer, b []byte) { reply(p, b[:127]) }, results.Ops{Corrupt: 10, Failed: 10}},
		{"emptied", 128, func(p *wiretest.Peer, b []byte) { reply(p, nil) }, results.Ops{Corrupt: 10, Failed: 10}},
		{"late", 128, func(p *wiretest.Peer, b []byte) {
			p.WriteAfter(50*time.Millisecond, ws.MustCompileFrame(ws.NewTextFrame(b)))
		}, results.Ops{Reordered: 10}},
		{"late and corrupt", 128, func(p *wiretest.Peer, b []byte) {
			b[50] ^= 1
			p.WriteAfter(50*time.Millisecond, ws.MustCompileFrame(ws.NewTextFrame(b)))
		}, results.Ops{Reordered: 10, Corrupt: 10, Failed: 10}},
		{"small, doubled", 8, func(p *wiretest.Peer, b []byte) { reply(p, b); reply(p, b) }, results.Ops{Duplicate: 10}},
		{"small, corrupt", 20, func(p *wiretest.Peer, b []byte) { b[3] ^= 1; reply(p, b) }, results.Ops{Corrupt: 10, Failed: 10}},
		{"small, body corrupt", 20, func(p *wiretest.Peer, b []byte) { b[19] ^= 1; reply(p, b) }, results.Ops{Corrupt: 10, Failed: 10}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// 5 connections at 500/s: one message each 10 ms, the 100th, 300th and
			// so on of all is spoilt.
			seen := 0
			s := newStand(t, 1, 5, tc.payload, func(_ int, n *wiretest.Net) {
				n.Frame = func(p *wiretest.Peer, f ws.Frame) {
					if !message(p, f) {
						return
					}
					if seen++; seen%100 == 50 {
						tc.do(p, f.Payload)
						return
					}
					wiretest.Echo(p, f)
				}
			})
			s.run(s.open(500))
			warm, main := s.finish()
			balanced(t, "warm-up", warm)
			balanced(t, "window", main)
			o := main.Ops
			got := results.Ops{Missing: o.Missing, Duplicate: o.Duplicate, Reordered: o.Reordered, Corrupt: o.Corrupt, Failed: o.Failed}
			if got.Missing != tc.want.Missing || got.Duplicate != tc.want.Duplicate || got.Reordered != tc.want.Reordered || got.Corrupt != tc.want.Corrupt || got.Failed != tc.want.Failed {
				t.Errorf("found %+v\nwant %+v", got, tc.want)
			}
			if o.Scheduled != 1000 || o.Completed != 1000-tc.want.Failed {
				t.Errorf("%d scheduled, %d completed", o.Scheduled, o.Completed)
			}
			if bad := warm.Ops.Missing + warm.Ops.Duplicate + warm.Ops.Reordered + warm.Ops.Corrupt; bad != 5*max(1, (tc.want.Missing+tc.want.Duplicate+tc.want.Reordered+tc.want.Corrupt)/10) {
				t.Errorf("%d faults in the warm-up", bad)
			}
			if main.Stale+main.Unexpected+main.Untracked != 0 {
				t.Errorf("%d stale, %d unexpected, %d untracked", main.Stale, main.Unexpected, main.Untracked)
			}
		})
	}
}

// An operation that is due on a connection that is gone, or that takes no more,
// is dropped with its cause, and what was in flight has failed with the cause
// of the loss.
func TestOpenLoopWithoutConnection(t *testing.T) {
	t.Parallel()
	s := newStand(t, 1, 10, 128, func(_ int, n *wiretest.Net) {
		n.Latency = 5 * time.Millisecond
		n.Choked = func(c wire.Conn) bool { return c == 4 && n.Now() >= 12*time.Second }
		n.Frame = func(p *wiretest.Peer, f ws.Frame) {
			if p.Conn == 3 && n.Now() >= 12*time.Second {
				p.End(results.CauseReset)
				return
			}
			wiretest.Echo(p, f)
		}
	})
	_, main := s.run(s.open(1000))
	balanced(t, "window", main)
	c := main.Ops.Causes
	// From second 12 to 13 each connection has 100 operations. The one that is
	// lost had one in flight.
	if c[results.CauseReset] != 1 || c[results.CauseNoConn] != 98 && c[results.CauseNoConn] != 99 || c[results.CauseBacklog] != 100 {
		t.Errorf("causes %v", c)
	}
	if main.Ops.Scheduled != 2000 || main.Dials.Lost != 1 || main.Dials.Causes[results.CauseReset] != 1 {
		t.Errorf("%+v %+v", main.Ops, main.Dials)
	}
}

// With a small payload there is at most one message outstanding.
func TestSmallPayloadsWaitForTheirAnswer(t *testing.T) {
	t.Parallel()
	s := newStand(t, 1, 1, 8, func(_ int, n *wiretest.Net) { n.Latency = 25 * time.Millisecond })
	_, main := s.run(s.open(100))
	balanced(t, "window", main)
	// An answer takes 25 ms, so two of three that are due every 10 ms are dropped.
	if main.Ops.Causes[results.CauseBacklog] < 130 || main.Ops.Completed < 60 {
		t.Errorf("%+v", main.Ops)
	}
	if h := main.Histogram(record.Service); h.Max() > 26*time.Millisecond || h.Min() < 24*time.Millisecond {
		t.Errorf("service %v, want 25ms", h)
	}
}

// An answer that comes after its phase is over is neither lost nor counted in
// the next one.
func TestStaleAnswers(t *testing.T) {
	t.Parallel()
	var first []byte
	s := newStand(t, 1, 1, 128, func(_ int, n *wiretest.Net) {
		n.Frame = func(p *wiretest.Peer, f ws.Frame) {
			if first == nil {
				first = f.Payload // answered much later
				return
			}
			wiretest.Echo(p, f)
		}
	})
	s.run(s.open(10))
	s.finish()
	next := record.NewShard(everything...)
	s.d[0].Begin(nil, next, Endless())
	s.d[0].Received(0, frame.Text, first, time.Hour)
	s.d[0].Received(0, frame.Text, []byte("who is there?"), time.Hour)
	if next.Stale != 1 || next.Unexpected != 1 || next.Ops.Completed+next.Ops.Duplicate+next.Ops.Corrupt != 0 {
		t.Errorf("%+v, %d stale, %d unexpected", next.Ops, next.Stale, next.Unexpected)
	}
}

// Whatever a server does, the books balance.
func TestBooksBalanceWhateverHappens(t *testing.T) {
	t.Parallel()
	for seed := range uint64(courses) {
		random := rand.New(rand.NewPCG(seed, 0))
		shape := func(_ int, n *wiretest.Net) {
			n.Latency = time.Duration(1+random.IntN(3)) * time.Millisecond
			choked := make(map[wire.Conn]bool)
			n.Choked = func(c wire.Conn) bool { return choked[c] }
			var kept []byte
			n.Frame = func(p *wiretest.Peer, f ws.Frame) {
				if !message(p, f) {
					return
				}
				fate := random.IntN(200)
				if fate >= 4 && fate <= 7 && random.IntN(10) > 0 {
					fate = 10 // connections shall live for a while
				}
				switch fate {
				case 0:
				case 1:
					p.Reply(ws.OpText, f.Payload)
					p.Reply(ws.OpText, f.Payload)
				case 2:
					f.Payload[random.IntN(len(f.Payload))] ^= byte(1 + random.IntN(255))
					p.Reply(ws.OpText, f.Payload)
				case 3:
					p.WriteAfter(time.Duration(random.IntN(300))*time.Millisecond, ws.MustCompileFrame(ws.NewTextFrame(f.Payload)))
				case 4:
					p.End(results.CauseReset)
				case 5:
					p.Write([]byte{0x83, 0}) // a violation
				case 6:
					p.Write([]byte{0x88, 0}) // a close frame
				case 7:
					choked[p.Conn] = !choked[p.Conn]
				case 8:
					kept = f.Payload
					p.Reply(ws.OpText, kept)
				case 9:
					p.Reply(ws.OpText, kept) // of another connection, or older
				default:
					wiretest.Echo(p, f)
				}
			}
		}
		payload := []int{8, 20, 32, 128}[seed%4]
		s := newStand(t, 1+int(seed%3), 30, payload, shape)
		life := Lifetimes{Mean: 300 * time.Millisecond, Seed: seed}
		s.run(func(i int, span Span) Stage {
			switch seed % 3 {
			case 0:
				return s.open(2000)(i, span)
			case 1:
				return NewClosed(s.lanes[i], s.d[i], s.ring(), span, 10)
			}
			return NewChurn(s.lanes[i], s.d[i], span, Shards{s.warm[i], s.main[i]}, life, true)
		})
		for i, stage := range s.stages {
			stage.Abort(results.CauseStopped)
			s.lanes[i].Use(lane0{}, s.main[i])
			s.lanes[i].Abandon(results.CauseStopped)
		}
		warm, main := s.finish()
		balanced(t, "warm-up", warm)
		balanced(t, "window", main)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		if warm.Ops.Completed+warm.Dials.Upgraded == 0 {
			t.Fatalf("seed %d: nothing happened", seed)
		}
	}
}
