package workload

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/wire"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
)

// storm runs one storm over all lanes and returns what it counted.
func (s *stand) storm(w Weather) (*results.Storm, *record.Set) {
	s.t.Helper()
	_, main := s.run(func(i int, span Span) Stage {
		w.Start = span.Start
		return NewStorm(s.lanes[i], s.d[i], s.main[i], w)
	})
	var all Tally
	for i, stage := range s.stages {
		if !stage.Finished() {
			s.t.Errorf("lane %d is not through", i)
		}
		if t := stage.(*Storm).Tally(); i == 0 {
			all = t
		} else {
			all.Add(t)
		}
	}
	balanced(s.t, "storm", main)
	return all.Storm(w.By, w.Backoff), main
}

// A reset ends all connections at one moment; without backoff each dial is due
// then, and the last is back when the window of dials has let all of them through.
func TestStormReset(t *testing.T) {
	t.Parallel()
	s := newStand(t, 2, 60, 128, func(_ int, n *wiretest.Net) { n.Latency = 10 * time.Millisecond })
	got, main := s.storm(Weather{By: results.StormReset, Pending: 10})
	// 30 connections of a lane, 10 at a time, 20 ms each: TCP and upgrade.
	want := results.Storm{By: "reset", Backoff: "none", Open: 60, Lost: 60, Back: 60, Attempts: 60, Recovery: 60 * time.Millisecond, PeakDials: 60, PeakBack: 60}
	if diff := cmp.Diff(want, *got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	if d := main.Dials; d.Upgraded != 60 || d.Lost != 0 {
		t.Errorf("dials %+v", d)
	}
	for _, m := range []record.Metric{record.Recovery, record.Dial} {
		h := main.Histogram(m)
		if h.Count() != 60 || h.Min() > 21*time.Millisecond || h.Max() < 59*time.Millisecond || h.Max() > 61*time.Millisecond {
			t.Errorf("%v: %v", m, h)
		}
	}
	for i, l := range s.lanes {
		if l.Open() != 30 {
			t.Errorf("lane %d has %d connections", i, l.Open())
		}
		for c, n := range s.nets[i].Dials {
			if n != 2 {
				t.Errorf("lane %d dialled %d %d times", i, c, n)
			}
		}
		if most := s.nets[i].Most; most != 30 {
			t.Errorf("lane %d had %d connections at once", i, most)
		}
	}
}

// While nothing listens dials fail and are tried again, later each time with
// backoff; each attempt is counted, with its cause.
func TestStormRestart(t *testing.T) {
	t.Parallel()
	const away = 2 * time.Second
	attempts := make(map[string]uint64)
	for _, b := range []Backoff{{}, {Min: 50 * time.Millisecond, Max: time.Second}} {
		var down bool
		s := newStand(t, 1, 40, 128, func(_ int, n *wiretest.Net) {
			n.Route = func(wire.Conn, wire.Route) results.Cause {
				if down {
					return results.CauseRefused
				}
				return ""
			}
		})
		n := s.nets[0]
		_, main := s.run(func(i int, span Span) Stage {
			n.After(span.Start-n.Now()+time.Millisecond, func(wire.Events) {
				down = true
				n.EndAll(results.CauseReset)
			})
			n.After(span.Start-n.Now()+away, func(wire.Events) { down = false })
			return NewStorm(s.lanes[i], s.d[i], s.main[i], Weather{By: results.StormRestart, Backoff: b, Start: span.Start, Pending: 16, Seed: 1})
		})
		balanced(t, b.String(), main)
		tally := s.stages[0].(*Storm).Tally()
		got := tally.Storm(results.StormRestart, b)
		d := main.Dials
		if got.Lost != 40 || got.Back != 40 || got.Attempts != d.Scheduled || d.Failed != got.Failures[results.CauseRefused] || d.Failed < 40 || d.Upgraded != 40 || d.Lost != 40 {
			t.Errorf("%v: %+v, dials %+v", b, *got, d)
		}
		if got.Recovery < away-time.Millisecond || got.Recovery > away+b.Max+again || got.Ending != 0 {
			t.Errorf("%v: back after %v, ended in %v", b, got.Recovery, got.Ending)
		}
		attempts[b.String()] = got.Attempts
	}
	// Without backoff each tries 20 times in 2 s; doubling takes half a dozen.
	if none, some := attempts["none"], attempts["50ms..1s"]; none < 40*20 || some > none/2 {
		t.Errorf("attempts %v", attempts)
	}
}

// In silence no ping is answered until the server has ended the connection, and
// pings are answered again afterwards.
func TestStormSilence(t *testing.T) {
	t.Parallel()
	var pongs []time.Duration
	s := newStand(t, 1, 5, 128, func(_ int, n *wiretest.Net) {
		n.Frame = func(p *wiretest.Peer, f ws.Frame) {
			if f.Header.OpCode == ws.OpPong {
				pongs = append(pongs, n.Now())
			}
			wiretest.Echo(p, f)
		}
	})
	n := s.nets[0]
	_, main := s.run(func(i int, span Span) Stage {
		at := func(d time.Duration) time.Duration { return span.Start - n.Now() + d }
		n.After(at(time.Second), func(wire.Events) { n.PingAll() })
		n.After(at(2*time.Second), func(wire.Events) { n.EndAll(results.CauseClosed) })
		n.After(at(3*time.Second), func(wire.Events) { n.PingAll() })
		return NewStorm(s.lanes[i], s.d[i], s.main[i], Weather{By: results.StormSilence, Start: span.Start, Pending: 16})
	})
	tally := s.stages[0].(*Storm).Tally()
	if got := tally.Storm(results.StormSilence, Backoff{}); got.Lost != 5 || got.Back != 5 || main.Dials.Lost != 5 {
		t.Errorf("%+v, dials %+v", *got, main.Dials)
	}
	if len(pongs) != 5 || slices.Min(pongs) < 13*time.Second {
		t.Errorf("pongs at %v, want 5 from second 13 on", pongs)
	}
}

// A connection is back when its greeting is answered. One that ends before has
// failed, and is not lost a second time.
func TestStormGreets(t *testing.T) {
	t.Parallel()
	met := make(map[wire.Conn]int)
	s := newStand(t, 1, 10, 128, func(_ int, n *wiretest.Net) {
		n.Latency = 10 * time.Millisecond
		n.Frame = func(p *wiretest.Peer, f ws.Frame) {
			if met[p.Conn]++; met[p.Conn] == 1 && p.Conn < 4 {
				p.End(results.CauseReset)
				return
			}
			wiretest.Echo(p, f)
		}
	})
	got, main := s.storm(Weather{By: results.StormReset, Pending: 16, Greet: true})
	want := results.Storm{
		By: "reset", Backoff: "none", Open: 10, Lost: 10, Back: 10, Attempts: 14, PeakDials: 14, PeakBack: 10,
		Recovery: 30*time.Millisecond + again + 30*time.Millisecond, Failures: map[results.Cause]uint64{results.CauseReset: 4},
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Error(diff)
	}
	if d, o := main.Dials, main.Ops; d.Upgraded != 14 || d.Lost != 4 || o.Scheduled != 14 || o.Completed != 10 || main.Histogram(record.Recovery).Count() != 10 {
		t.Errorf("dials %+v, greetings %+v", d, o)
	}
}

// What is given up is in the books, and nothing is dialled any more.
func TestStormAborted(t *testing.T) {
	t.Parallel()
	s := newStand(t, 1, 30, 128, func(_ int, n *wiretest.Net) { n.Latency = time.Second / 2 })
	n := s.nets[0]
	_, main := s.run(func(i int, span Span) Stage {
		storm := NewStorm(s.lanes[i], s.d[i], s.main[i], Weather{By: results.StormReset, Start: span.Start, Pending: 10})
		n.After(span.Start-n.Now()+1200*time.Millisecond, func(wire.Events) {
			storm.Abort(results.CauseStopped)
			s.lanes[i].Abandon(results.CauseStopped)
		})
		return storm
	})
	balanced(t, "storm", main)
	tally := s.stages[0].(*Storm).Tally()
	got := tally.Storm(results.StormReset, Backoff{})
	if d := main.Dials; got.Back != 10 || got.Recovery != 0 || d.Upgraded != 10 || d.Failed != 10 || d.Dropped != 10 || got.Attempts != 20 || s.lanes[0].Open() != 10 {
		t.Errorf("%+v, dials %+v, %d open", *got, d, s.lanes[0].Open())
	}
}

func TestBackoff(t *testing.T) {
	for _, text := range []string{"none", "100ms..10s", "1s..1s"} {
		var b Backoff
		if err := b.UnmarshalText([]byte(text)); err != nil || b.String() != text {
			t.Errorf("%q reads as %v, %v", text, b, err)
		}
	}
	for _, text := range []string{"", "some", "1s", "1s..", "..1s", "0s..1s", "-1s..1s", "2s..1s", "1..2"} {
		if err := new(Backoff).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read without an error", text)
		}
	}
	random := rand.New(rand.NewPCG(1, 1))
	b := Backoff{100 * time.Millisecond, time.Second}
	for failures, bound := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
		bound *= time.Millisecond
		var most, sum time.Duration
		for range 2000 {
			d := b.wait(uint8(failures), random)
			most, sum = max(most, d), sum+d
		}
		if mean := sum / 2000; most >= bound || most < bound*95/100 || mean < bound*45/100 || mean > bound*55/100 {
			t.Errorf("%d failures: up to %v, %v on average, of %v", failures, most, mean, bound)
		}
	}
	if d := (Backoff{time.Second, 1 << 62}).wait(255, random); d < 0 {
		t.Errorf("the bound ran over: %v", d)
	}
}

func TestPeak(t *testing.T) {
	for _, c := range []struct {
		list []uint64
		want float64
	}{{nil, 0}, {[]uint64{3}, 3}, {[]uint64{5, 0, 0, 0, 0, 0, 0, 0, 0, 6, 1}, 11}, {[]uint64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2}, 11}} {
		if got := peak(c.list); got != c.want {
			t.Errorf("%v: %v, want %v", c.list, got, c.want)
		}
	}
}
