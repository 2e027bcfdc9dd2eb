package workload

import (
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
)

// pulse makes stages that ask at an interval.
func (s *stand) pulse(b Beats) func(int, Span) Stage {
	layout, err := stamp.New(stamp.HeaderSize, 7)
	if err != nil {
		s.t.Fatal(err)
	}
	return func(i int, span Span) Stage {
		return NewPulse(s.lanes[i], s.d[i], s.ring(), span, Shards{s.warm[i], s.main[i]}, layout, b)
	}
}

// pong answers pings as a server should, and everything else as an echo.
func pong(p *wiretest.Peer, f ws.Frame) {
	if f.Header.OpCode == ws.OpPing {
		p.Reply(ws.OpPong, f.Payload)
		return
	}
	wiretest.Echo(p, f)
}

// Each connection is asked once in an interval at its own moment, and the
// moments of all are spread evenly, however many lanes there are.
func TestPulseIsEven(t *testing.T) {
	t.Parallel()
	for _, lanes := range []int{1, 3, 11} {
		const conns = 40
		asked := make(map[int][]time.Duration)
		var all []time.Duration
		var s *stand
		s = newStand(t, lanes, conns, 128, func(i int, n *wiretest.Net) {
			n.Latency = time.Millisecond
			n.Frame = func(p *wiretest.Peer, f ws.Frame) {
				if f.Header.OpCode == ws.OpPing {
					at := n.Now() - n.Latency
					asked[s.conn(i, p.Conn)] = append(asked[s.conn(i, p.Conn)], at)
					all = append(all, at)
				}
				pong(p, f)
			}
		})
		warm, main := s.run(s.pulse(Beats{Every: time.Second, Timeout: time.Second}))
		balanced(t, "warm-up", warm)
		balanced(t, "window", main)
		if warm.Ops.Completed != conns || main.Ops.Completed != 2*conns || main.OnTime != 2*conns || s.told != lanes {
			t.Errorf("%d lanes: %d and %d answered, %d on time, told %d times", lanes, warm.Ops.Completed, main.Ops.Completed, main.OnTime, s.told)
		}
		for c, at := range asked {
			if len(at) != 3 || (at[1]-at[0]).Round(time.Microsecond) != time.Second || (at[2]-at[1]).Round(time.Microsecond) != time.Second {
				t.Errorf("%d lanes: connection %d was asked at %v", lanes, c, at)
			}
		}
		slices.Sort(all)
		for i, at := range all {
			if due := 10*time.Second + time.Duration(i)*time.Second/conns; (at - due).Abs() > time.Microsecond {
				t.Errorf("%d lanes: ping %d at %v, due at %v", lanes, i, at, due)
			}
		}
		for _, m := range []record.Metric{record.Response, record.Service} {
			if h := main.Histogram(m); h.Min() < 999*time.Microsecond || h.Max() > 1001*time.Microsecond {
				t.Errorf("%d lanes: %s %v, want 1ms", lanes, m, h)
			}
		}
		if main.Ops.BytesSent != 2*conns*stamp.HeaderSize || main.Ops.BytesReceived != main.Ops.BytesSent {
			t.Errorf("%d bytes sent, %d received", main.Ops.BytesSent, main.Ops.BytesReceived)
		}
	}
}

// A connection that never answers fails once in each interval, and no other one
// does.
func TestPulseOfTheSilent(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{50 * time.Millisecond, time.Second, 1500 * time.Millisecond} {
		s := newStand(t, 2, 20, 128, func(i int, n *wiretest.Net) {
			n.Latency = time.Millisecond
			n.Frame = func(p *wiretest.Peer, f ws.Frame) {
				if f.Header.OpCode != ws.OpPing || i == 1 || p.Conn != 3 && p.Conn != 7 {
					pong(p, f)
				}
			}
		})
		warm, main := s.run(s.pulse(Beats{Every: time.Second, Timeout: timeout}))
		balanced(t, "warm-up", warm)
		balanced(t, "window", main)
		if warm.Ops.Causes[results.CauseTimeout] != 2 || main.Ops.Causes[results.CauseTimeout] != 4 || main.Ops.Failed != 4 || main.Ops.Completed != 36 {
			t.Errorf("timeout %v: %+v %+v", timeout, warm.Ops, main.Ops)
		}
		if last := s.nets[0].Now(); s.told != 2 || last > 13*time.Second+timeout {
			t.Errorf("timeout %v: told %d times, the last lane was through at %v", timeout, s.told, last)
		}
	}
}

// A server that stops for half a second of a window of two delays a quarter of
// all answers, by a quarter of a second on average.
func TestPulseShowsAPause(t *testing.T) {
	t.Parallel()
	const from, to = 11500 * time.Millisecond, 12 * time.Second
	s := newStand(t, 1, 1000, 128, func(_ int, n *wiretest.Net) {
		n.Frame = func(p *wiretest.Peer, f ws.Frame) {
			wait := time.Millisecond
			if now := n.Now(); now >= from && now < to {
				wait += to - now
			}
			op := f.Header.OpCode
			if op == ws.OpPing {
				op = ws.OpPong
			}
			p.WriteAfter(wait, ws.MustCompileFrame(ws.NewFrame(op, true, f.Payload)))
		}
	})
	_, main := s.run(s.pulse(Beats{Every: time.Second, Timeout: 20 * time.Second}))
	balanced(t, "window", main)
	if main.Ops.Completed != 2000 {
		t.Errorf("%+v", main.Ops)
	}
	h := main.Histogram(record.Response)
	for _, tc := range []struct {
		q    float64
		want time.Duration
	}{{0.50, time.Millisecond}, {0.74, time.Millisecond}, {0.90, 301 * time.Millisecond}, {0.99, 481 * time.Millisecond}, {1, 501 * time.Millisecond}} {
		if got := h.Quantile(tc.q); (got - tc.want).Abs() > tc.want/500+time.Millisecond {
			t.Errorf("p%g is %v, want %v", tc.q*100, got, tc.want)
		}
	}
}

// A connection that dies takes its ping with it, stays dead, and is not asked
// any more.
func TestPulseOfTheDead(t *testing.T) {
	t.Parallel()
	s := newStand(t, 1, 10, 128, func(_ int, n *wiretest.Net) {
		n.Latency = time.Millisecond
		n.Frame = func(p *wiretest.Peer, f ws.Frame) {
			if p.Conn == 4 && n.Now() > 11*time.Second {
				p.End(results.CauseReset)
				return
			}
			pong(p, f)
		}
		n.Choked = func(c wire.Conn) bool { return c == 5 && n.Now() > 12*time.Second }
	})
	_, main := s.run(s.pulse(Beats{Every: 100 * time.Millisecond, Timeout: time.Second}))
	balanced(t, "window", main)
	c := main.Ops.Causes
	if c[results.CauseReset] != 1 || c[results.CauseNoConn] != 19 || c[results.CauseBacklog] != 10 || main.Ops.Completed != 170 || main.Dials.Lost != 1 || main.Dials.Scheduled != 0 || s.nets[0].Dials[4] != 1 {
		t.Errorf("%+v %+v, dialled %d times", main.Ops, main.Dials, s.nets[0].Dials[4])
	}
}

// Each wrong answer is counted for what it is.
func TestPulseOfTheWrong(t *testing.T) {
	t.Parallel()
	var other []byte // a ping of another connection
	late := func(p *wiretest.Peer, b []byte) {
		p.WriteAfter(80*time.Millisecond, ws.MustCompileFrame(ws.NewPongFrame(b)))
	}
	for name, tc := range map[string]struct {
		do                func(p *wiretest.Peer, b []byte)
		want              results.Ops
		stale, unexpected uint64
	}{
		"twice":    {do: func(p *wiretest.Peer, b []byte) { p.Reply(ws.OpPong, b); p.Reply(ws.OpPong, b) }, want: results.Ops{Duplicate: 20}},
		"spoilt":   {do: func(p *wiretest.Peer, b []byte) { b[9] ^= 1; p.Reply(ws.OpPong, b) }, want: results.Ops{Failed: 20, Corrupt: 20}},
		"longer":   {do: func(p *wiretest.Peer, b []byte) { p.Reply(ws.OpPong, append(b, 'x')) }, want: results.Ops{Failed: 20, Corrupt: 20}},
		"mixed up": {do: func(p *wiretest.Peer, _ []byte) { p.Reply(ws.OpPong, other) }, want: results.Ops{Failed: 20, Corrupt: 20}},
		"unasked":  {do: func(p *wiretest.Peer, b []byte) { p.Reply(ws.OpPong, nil); p.Reply(ws.OpPong, b) }, unexpected: 20},
		"too late": {do: late, want: results.Ops{Failed: 20}, stale: 30},
		"never":    {do: func(*wiretest.Peer, []byte) {}, want: results.Ops{Failed: 20}},
	} {
		s := newStand(t, 1, 10, 128, func(_ int, n *wiretest.Net) {
			n.Latency = time.Millisecond
			n.Frame = func(p *wiretest.Peer, f ws.Frame) {
				if f.Header.OpCode == ws.OpPing && p.Conn == 6 {
					tc.do(p, f.Payload)
					return
				}
				if f.Header.OpCode == ws.OpPing {
					other = f.Payload
				}
				pong(p, f)
			}
		})
		// Answers that are too late still come before the next question.
		warm, main := s.run(s.pulse(Beats{Every: 100 * time.Millisecond, Timeout: 50 * time.Millisecond}))
		balanced(t, name, main)
		balanced(t, name, warm)
		o := main.Ops
		if o.Scheduled != 200 || o.Failed != tc.want.Failed || o.Corrupt != tc.want.Corrupt || o.Duplicate != tc.want.Duplicate || main.Stale != tc.stale || tc.unexpected > 0 && main.Unexpected < tc.unexpected {
			t.Errorf("%s: %+v, %d stale, %d unexpected", name, o, main.Stale, main.Unexpected)
		}
	}
}

// Probes are echoes at their own interval on one connection of all, counted
// apart from the pings.
func TestProbes(t *testing.T) {
	t.Parallel()
	for _, every := range []time.Duration{0, time.Second} {
		const lanes, conns = 3, 30
		hit := make(map[int]int)
		var s *stand
		s = newStand(t, lanes, conns, 128, func(i int, n *wiretest.Net) {
			n.Latency = 2 * time.Millisecond
			n.Frame = func(p *wiretest.Peer, f ws.Frame) {
				if f.Header.OpCode == ws.OpText {
					hit[s.conn(i, p.Conn)]++
				}
				pong(p, f)
			}
		})
		pulse := s.pulse(Beats{Every: every, Timeout: time.Second, Probe: 10 * time.Millisecond, Seed: 1})
		probes := record.NewSet(record.Probe)
		var shards []*record.Shard
		_, main := s.run(func(i int, span Span) Stage {
			shards = append(shards, record.NewShard(record.Probe))
			s.d[i].Begin(nil, shards[i], span)
			return pulse(i, span)
		})
		for _, shard := range shards {
			probes.Add(shard.Set)
		}
		h := probes.Histogram(record.Probe)
		if o := probes.Ops; o.Scheduled != 200 || o.Completed != 200 || h.Count() != 200 || h.Min() < 1999*time.Microsecond || h.Max() > 2001*time.Microsecond {
			t.Errorf("%+v %v", o, h)
		}
		if want := uint64(every / time.Second * 2 * conns); main.Ops.Completed != want || s.told != lanes {
			t.Errorf("%d pings answered, want %d, told %d times", main.Ops.Completed, want, s.told)
		}
		// 200 draws of 30 leave hardly one out and hardly hit one 20 times.
		if len(hit) < 27 || slices.Max(values(hit)) > 20 {
			t.Errorf("probed %v", hit)
		}
	}
}

func values(m map[int]int) (list []int) {
	for _, n := range m {
		list = append(list, n)
	}
	return list
}

// A run that is stopped gives up what it waits for, and the books balance.
func TestPulseIsStopped(t *testing.T) {
	t.Parallel()
	s := newStand(t, 1, 10, 128, func(_ int, n *wiretest.Net) {
		n.Frame = func(*wiretest.Peer, ws.Frame) {}
	})
	s.nets[0].After(12*time.Second, func(wire.Events) { s.stages[0].Abort(results.CauseStopped) })
	warm, main := s.run(s.pulse(Beats{Every: time.Second, Timeout: 20 * time.Second}))
	balanced(t, "warm-up", warm)
	balanced(t, "window", main)
	if !s.stages[0].Finished() || warm.Ops.Causes[results.CauseStopped] != 10 || main.Ops.Causes[results.CauseStopped] != main.Ops.Scheduled || main.Ops.Scheduled < 10 || main.Ops.Scheduled > 11 {
		t.Errorf("%+v %+v", warm.Ops, main.Ops)
	}
}

// A vigil holds no more than its limit, in order, whichever are answered first.
func TestVigil(t *testing.T) {
	t.Parallel()
	v := vigil{limit: 100}
	n := 0
	for ; !v.full(); n++ {
		v.add(asked{conn: wire.Conn(n % 7), sent: time.Duration(n / 3)})
	}
	if n != 100 {
		t.Fatalf("%d fit", n)
	}
	for i := 99; i >= 0; i -= 2 { // from the end, so that nothing is trimmed
		if !v.answer(wire.Conn(i%7), time.Duration(i/3)) || v.answer(wire.Conn(i%7), time.Duration(i/3)) {
			t.Fatalf("ping %d", i)
		}
	}
	if v.answer(6, 0) || v.answer(0, 1000) || v.n != 100 {
		t.Errorf("%d are left", v.n)
	}
	if q, ok := v.oldest(4); !ok || q.sent != 4/3 {
		t.Errorf("%+v %v", q, ok)
	}
	var left []time.Duration
	for q, ok := v.expired(1000, 1); ok; q, ok = v.expired(1000, 1) {
		left = append(left, q.sent)
	}
	if len(left) != 49 || !slices.IsSorted(left) || !v.empty() || v.full() {
		t.Errorf("%d expired: %v", len(left), left)
	}
}
