package trial

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/channel/channeltest"
	"signalbench/loadgen/internal/workload"
	"signalbench/results"
)

// broadcastPlan is a short run over two rooms.
func (s *server) broadcastPlan(t *testing.T) *Plan {
	p := s.channelPlan(t, Broadcast)
	p.Proto.Rooms, p.Proto.Join = 2, []byte(`{"ack":false}`)
	p.Payload, p.Rate, p.Publishers = 128, 100, 2
	return p
}

// Lanes share what is published: whoever publishes, members on all lanes receive,
// and the run says how fast, beside bare fan-out.
func TestBroadcast(t *testing.T) {
	t.Parallel()
	s := serveChannels(t, nil)
	p := s.broadcastPlan(t)
	p.Workloads, p.Yardstick = []string{Broadcast, Broadcast}, true
	fast := often
	fast.round = 1
	run, err := run(context.Background(), p, new(watch), fast)
	if err != nil {
		t.Fatal(err)
	}
	if bad := fatal(run); len(bad) > 0 {
		t.Errorf("invalid: %q", bad)
	}
	books(t, run)
	for _, name := range []string{"broadcast/window", "broadcast-2/window"} {
		ph := named(t, run, name)
		f := ph.Fanout
		if ph.Ops.Completed != 30 || ph.Model != results.OpenLoop {
			t.Errorf("%s: %+v", name, ph.Ops)
		}
		if f.Rooms != 2 || f.Receivers != 9 || f.Publishers != 4 || f.Deliveries.Completed != 30*9 || f.Deliveries.Scheduled != 30*9 {
			t.Errorf("%s: %+v", name, f)
		}
		if f.Busy <= 0 || f.Busy > 10*time.Second || f.PerSecond != float64(f.Deliveries.Completed)/f.Busy.Seconds() {
			t.Errorf("%s: busy for %v, %v/s", name, f.Busy, f.PerSecond)
		}
		if b := f.Bare; b == nil || b.Conns != 20 || b.Bytes < 128+len(`[null,null,"room:0","broadcast",]`) || len(b.Rounds) != 6 {
			t.Errorf("%s: bare fan-out %+v", name, b)
		}
		for _, metric := range []string{results.MetricDelivery, results.MetricFirst, results.MetricMedian, results.MetricP99, results.MetricResponse} {
			if m, ok := ph.Metric(metric); !ok || m.Count == 0 {
				t.Errorf("%s: no %s", name, metric)
			}
		}
	}
	if f := named(t, run, "broadcast/warm-up").Fanout; f == nil || f.Deliveries.Completed == 0 || f.Bare != nil {
		t.Errorf("warm-up: %+v", f)
	}
	if sp := run.Spec; sp.Publishers != 2 || sp.Rooms != 2 {
		t.Errorf("%+v", sp)
	}
}

func TestBroadcastClosed(t *testing.T) {
	t.Parallel()
	s := serveChannels(t, nil)
	p := s.broadcastPlan(t)
	p.Rate, p.InFlight = 0, 2
	run, err := run(context.Background(), p, new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	books(t, run)
	ph := named(t, run, "broadcast/window")
	if ph.Model != results.ClosedLoop || ph.Ops.Completed < 2 || ph.Ops.Failed+ph.Ops.Dropped != 0 || ph.Fanout.Deliveries.Completed != 9*ph.Ops.Completed {
		t.Errorf("%+v %+v", ph.Ops, ph.Fanout)
	}
	if _, ok := ph.Metric(results.MetricResponse); ok {
		t.Error("a closed loop has a response time")
	}
}

// What a server does wrong makes the run INVALID, and is counted in full however
// many lanes the receivers are on.
func TestBroadcastFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(p []byte) (times int, q []byte)
		count func(d results.Ops) uint64
	}{
		"drop":      {func(p []byte) (int, []byte) { return 0, p }, func(d results.Ops) uint64 { return d.Missing }},
		"duplicate": {func(p []byte) (int, []byte) { return 2, p }, func(d results.Ops) uint64 { return d.Duplicate }},
		"corrupt": {func(p []byte) (int, []byte) {
			p = bytes.Clone(p)
			p[len(p)-9] ^= 1
			return 1, p
		}, func(d results.Ops) uint64 { return d.Corrupt }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spoiled, n := uint64(0), 0
			s := serveChannels(t, func(s *channeltest.Server) {
				send := s.Send
				s.Send = func(conn int, after time.Duration, p []byte) {
					if !bytes.Contains(p, []byte(`"`+workload.BroadcastEvent+`"`)) {
						send(conn, after, p)
						return
					}
					times := 1
					if n++; n%10 == 0 {
						spoiled++
						times, p = c.spoil(p)
					}
					for range times {
						send(conn, after, p)
					}
				}
			})
			p := s.broadcastPlan(t)
			p.WarmUp, p.Drain = 0, 500*time.Millisecond
			run, err := run(context.Background(), p, new(watch), often)
			if err != nil {
				t.Fatal(err)
			}
			s.die()
			s.all.Wait() // nobody counts any more
			if d := named(t, run, "broadcast/window").Fanout.Deliveries; c.count(d) != spoiled || spoiled == 0 || run.Verdict != results.Invalid {
				t.Errorf("%s: %+v, %d were spoiled", run.Verdict, d, spoiled)
			}
		})
	}
}

func TestBroadcastCheck(t *testing.T) {
	t.Parallel()
	s := serveChannels(t, nil)
	for says, change := range map[string]func(*Plan){
		"needs --proto phoenix": func(p *Plan) { p.Proto = nil },
		"--payload: a payload of 39 B is too small for workload broadcast: what is verified and timed takes 40 B": func(p *Plan) { p.Payload = 39 },
		"--publishers 0: at least one":                            func(p *Plan) { p.Publishers = 0 },
		"--publishers 11: the smallest room has 10 members":       func(p *Plan) { p.Publishers = 11 },
		"--rooms 11 over 20 connections leaves rooms with 1":      func(p *Plan) { p.Proto.Rooms = 11 },
		"workload broadcast needs --rate":                         func(p *Plan) { p.Rate, p.InFlight = 0, 0 },
		"--in-flight 5000: workload broadcast has 4096":           func(p *Plan) { p.Rate, p.InFlight = 0, 5000 },
		"workload broadcast shares connections out among --rooms": func(p *Plan) { p.Proto.Swarm = 2 },
	} {
		p := s.broadcastPlan(t)
		proto := *p.Proto
		p.Proto = &proto
		change(p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

// The frames of the yardstick are as long as those that receivers get, but for what
// the server adds.
func TestBroadcastBytes(t *testing.T) {
	p := &Plan{Payload: 128, Proto: &channel.Protocol{Topic: "room:x", Rooms: 1, Version: 2}}
	if got, want := p.broadcastBytes(), 4+len(`[null,null,"room:x","broadcast",]`)+128; got != want {
		t.Errorf("%d B, want %d", got, want)
	}
	p.Payload = 40
	if got, want := p.broadcastBytes(), 2+len(`[null,null,"room:x","broadcast",]`)+40; got != want {
		t.Errorf("%d B, want %d", got, want)
	}
	p.Binary = true
	if got, want := p.broadcastBytes(), 2+3+len("room:xbroadcast")+40; got != want {
		t.Errorf("binary: %d B, want %d", got, want)
	}
	p.Payload = 70_000
	if got, want := p.broadcastBytes(), 10+3+len("room:xbroadcast")+70_000; got != want {
		t.Errorf("long: %d B, want %d", got, want)
	}
}
