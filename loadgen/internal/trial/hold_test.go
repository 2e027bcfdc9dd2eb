package trial

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"signalbench/results"
)

func named(t *testing.T, r *results.Run, name string) results.Phase {
	t.Helper()
	i := slices.IndexFunc(r.Phases, func(p results.Phase) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no phase %s in %d", name, len(r.Phases))
	}
	return r.Phases[i]
}

// holding is a plan with a heartbeat and a probe.
func holding(t *testing.T, s *server) *Plan {
	p := s.plan(t, Hold)
	p.Heartbeat, p.HeartbeatTimeout, p.Probe = 100*time.Millisecond, 10*time.Second, 50*time.Millisecond
	p.Window, p.Drain = 400*time.Millisecond, 100*time.Millisecond
	return p
}

// Every connection answers in every interval, and probes stand apart, also where
// there are several groups of lanes.
func TestHoldWithLife(t *testing.T) {
	t.Parallel()
	for _, groups := range []int{1, 3} {
		// A machine that is busy may look at nothing in a whole window.
		for tries := 1; !holdsWithLife(t, groups) && !t.Failed(); tries++ {
			if tries == 5 {
				t.Errorf("%d groups: no snapshot of %d runs tells of heartbeats that are asked for and answered", groups, tries)
			}
		}
	}
}

// holdsWithLife is one such run, and whether snapshots of its window tell of life.
func holdsWithLife(t *testing.T, groups int) bool {
	p := holding(t, serve(t, false, nil))
	p.Groups = groups
	seen := new(watch)
	run, err := run(context.Background(), p, seen, tempo{tick: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if bad := fatal(run); len(bad) > 0 {
		t.Errorf("invalid: %q", bad)
	}
	books(t, run)
	warm, window := named(t, run, "hold/warm-up"), named(t, run, "hold/window")
	if warm.Ops.Completed != 20 || window.Ops.Completed != 80 || window.Offered != 200 || window.Model != results.OpenLoop {
		t.Errorf("%+v %+v", warm.Ops, window)
	}
	if o := window.Probes; o.Scheduled != 8 || o.Completed != 8 {
		t.Errorf("probes %+v", o)
	}
	for name, want := range map[string]uint64{results.MetricResponse: 80, results.MetricService: 80, results.MetricProbe: 8} {
		if m, _ := window.Metric(name); m.Count != want {
			t.Errorf("%s has %d values, want %d", name, m.Count, want)
		}
	}
	if s := run.Spec; s.Heartbeat != p.Heartbeat || s.HeartbeatTimeout != p.HeartbeatTimeout || s.Probe != p.Probe {
		t.Errorf("%+v", s)
	}
	var asked, answered uint64
	for _, s := range seen.ticks {
		if s.Phase == "hold/window" || s.Phase == "hold/drain" {
			asked, answered = max(asked, s.Asked), max(answered, s.Answered)
		}
	}
	if asked > 80 || answered > asked {
		t.Errorf("%d asked and %d answered in %d snapshots", asked, answered, len(seen.ticks))
	}
	return answered > 0
}

// One of twenty connections does not answer: the run goes to its end, and says so.
func TestHoldOfOneThatIsSilent(t *testing.T) {
	t.Parallel()
	var silent atomic.Pointer[net.Conn]
	p := holding(t, serve(t, false, func(s *server) {
		s.answer = func(c net.Conn, f ws.Frame) {
			if f.Header.OpCode == ws.OpPing && (silent.CompareAndSwap(nil, &c) || *silent.Load() == c) {
				return
			}
			s.reply(c, f)
		}
	}))
	p.HeartbeatTimeout = 1500 * time.Millisecond // longer than an interval, and than the drain
	run, err := run(context.Background(), p, new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	books(t, run)
	if o := named(t, run, "hold/window").Ops; o.Failed != 4 || o.Causes[results.CauseTimeout] != 4 || o.Completed != 76 {
		t.Errorf("%+v", o)
	}
	if bad := fatal(run); run.Verdict != results.Invalid || len(bad) != 2 || !strings.Contains(bad[1], "4 of 80 heartbeats were not answered and 0 were not sent (timeout)") {
		t.Errorf("%s %q", run.Verdict, bad)
	}
}

// One of twenty connections dies while it is held. It is not dialled again.
func TestHoldOfOneThatDies(t *testing.T) {
	t.Parallel()
	var doomed atomic.Pointer[net.Conn]
	var beats, upgraded atomic.Int64
	s := serve(t, false, func(s *server) {
		s.answer = func(c net.Conn, f ws.Frame) {
			upgraded.CompareAndSwap(0, s.accepted.Load())
			if beats.Add(1) > 30 && doomed.CompareAndSwap(nil, &c) {
				_ = c.(*net.TCPConn).SetLinger(0)
				c.Close()
				return
			}
			s.reply(c, f)
		}
	})
	p := holding(t, s)
	p.Probe = 0
	run, err := run(context.Background(), p, new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	books(t, run)
	window, lost := named(t, run, "hold/window"), uint64(0)
	for _, p := range run.Phases { // on a busy machine the end is seen after the window
		lost += p.Dials.Lost
	}
	if lost != 1 || window.Ops.Causes[results.CauseReset] != 1 || window.Ops.Causes[results.CauseNoConn] < 2 {
		t.Errorf("%+v, %d lost", window.Ops, lost)
	}
	if before, after := upgraded.Load(), s.accepted.Load(); before != after {
		t.Errorf("%d connections were accepted before the first heartbeat, %d at the end", before, after)
	}
	if bad := fatal(run); len(bad) < 2 || !strings.Contains(bad[0]+bad[1], "1 of 20 connections died while they were held") {
		t.Errorf("%q", bad)
	}
}
