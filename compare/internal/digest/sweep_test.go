package digest

import (
	"math"
	"testing"
	"time"

	"signalbench/results"
)

// window is one of a run, with what its server's runtime did.
func window(workload string, peak uint64, gc *results.GCPauses) results.Phase {
	return results.Phase{
		Kind: results.Window, Workload: workload, Length: 4 * time.Second, Ops: results.Ops{Completed: 1000},
		Server: results.Usage{Known: true, User: 20 * time.Millisecond, PeakRSS: peak}, ServerGC: gc,
	}
}

// What the collector did is of the churn, memory the most of both windows.
func TestSweep(t *testing.T) {
	t.Parallel()
	pauses := func(bounds ...time.Duration) results.Pauses {
		counts := make([]uint64, len(bounds)-1)
		for i := range counts {
			counts[i] = 1
		}
		return results.NewPauses(bounds, counts)
	}
	other := pauses(time.Millisecond, 2*time.Millisecond)
	gc := &results.GCPauses{Length: 4 * time.Second, Cycles: 8, GCCPU: time.Second, CPU: 4 * time.Second, Pauses: pauses(0, 50_000, 100_000), Other: &other}
	forced := &results.GCPauses{Length: time.Second, Cycles: 100, Pauses: pauses(0, time.Second)}
	run := func(gc *results.GCPauses) *Run {
		return &Run{Run: &results.Run{Verdict: results.Valid, Phases: []results.Phase{window(results.WorkloadEcho, 300, forced), window(results.WorkloadChurn, 200, gc)}}}
	}
	set := &results.Setting{Engine: "gorilla", GOGC: "50"}
	s := &Suite{Suite: &results.Suite{}, Arms: []*Arm{
		{Arm: results.Arm{Name: "gorilla"}, Runs: []*Run{run(gc)}},
		{Arm: results.Arm{Name: "gorilla GOGC=50", Setting: set}, Runs: []*Run{run(gc)}},
		{Arm: results.Arm{Name: "gorilla GOGC=off", Setting: set}, Runs: []*Run{run(nil)}},
	}}
	list := Sweep(s)
	if len(list) != 2 {
		t.Fatalf("%d points of two arms with a setting", len(list))
	}
	p := list[0]
	if p.Peak != 300 || p.CPU != 20_000 || p.Interval != float64(500*time.Millisecond) || p.Part != 0.25 {
		t.Errorf("peak %v, CPU %v, interval %v, part %v", p.Peak, p.CPU, p.Interval, p.Part)
	}
	if p.Pauses.Count != 2 || p.Pauses.Max != 100_000 || p.Stops.Count != 3 || p.Stops.Max != 2*time.Millisecond {
		t.Errorf("pauses %+v, stops %+v", p.Pauses, p.Stops)
	}
	if p := list[1]; !math.IsNaN(p.Interval) || p.Stops.Count != 0 {
		t.Errorf("of a window that nothing is known of: %+v", p)
	}
}

// What the collector did for published figures is of all windows together, and of none of
// what was forced between them.
func TestCollectionsOfWindows(t *testing.T) {
	t.Parallel()
	gc := func(length time.Duration, cycles uint64, short, long uint64) *results.GCPauses {
		return &results.GCPauses{Length: length, Cycles: cycles, Pauses: results.NewPauses([]time.Duration{0, 1000, 2000}, []uint64{short, long}), Other: &results.Pauses{}}
	}
	r := &Run{Run: &results.Run{
		Target: results.Target{GC: gc(time.Second, 100, 9, 9)},
		Phases: []results.Phase{window(results.WorkloadHold, 1, gc(3*time.Second, 1, 1, 0)), {Kind: results.Settle}, window(results.WorkloadPush, 1, gc(time.Second, 1, 0, 1))},
	}}
	want := map[string]float64{"gc.interval": float64(2 * time.Second), "gc.pause.max": 2000, "gc.stw.max": 2000}
	for name, want := range want {
		q, _ := QuantityNamed(name)
		if got, ok := q.Of(r); !ok || got != want {
			t.Errorf("%s = %v (%v), want %v", name, got, ok, want)
		}
	}
	q, _ := QuantityNamed("gc.interval")
	if got := q.Aside(r); got != "" {
		t.Errorf("beside the interval of two collections: %q", got)
	}
	r.Run.Phases = []results.Phase{window(results.WorkloadHold, 1, gc(time.Minute, 1, 1, 0))}
	if got, _ := q.Of(r); got != float64(time.Minute) || q.Aside(r) != "one collection in all" {
		t.Errorf("one collection in a minute: %v, %q", got, q.Aside(r))
	}
	r.Run.Phases = []results.Phase{window(results.WorkloadHold, 1, &results.GCPauses{Length: time.Second})}
	if got, ok := q.Of(r); ok {
		t.Errorf("an interval of %v without a collection", got)
	}
	r.Run.Phases = nil
	if got, _ := q.Of(r); got != float64(10*time.Millisecond) {
		t.Errorf("without windows %v", got)
	}
}

// A server that pings by itself is counted by what came, and by nothing else.
func TestHeartbeatsOfTheServer(t *testing.T) {
	t.Parallel()
	w := window(results.WorkloadHold, 1, nil)
	w.Length, w.Pings, w.Ops.Completed = 2*time.Minute, 1200, 999
	r := &Run{Run: &results.Run{Pings: &results.Pings{Sent: 2000, SentMost: 2000, Received: 2000}, Phases: []results.Phase{w}}}
	q, _ := QuantityNamed("hold.heartbeats")
	if got, ok := q.Of(r); !ok || got != 10 || q.Aside(r) == "" {
		t.Errorf("%v (%v), %q; want 10 and whose they are", got, ok, q.Aside(r))
	}
	if _, ok := q.Asked(r); ok {
		t.Error("the load generator was asked for them")
	}
	r.Run.Pings = &results.Pings{}
	if got, ok := q.Of(r); ok {
		t.Errorf("%v although none was due", got)
	}
	r.Run.Spec.Heartbeat = time.Second
	if got, ok := q.Of(r); !ok || got != 999/120.0 || q.Aside(r) != "" {
		t.Errorf("%v (%v), %q; want the load generator's", got, ok, q.Aside(r))
	}
}

// What an open loop achieves was asked for; what a closed loop does was not.
func TestAsked(t *testing.T) {
	t.Parallel()
	of := func(model results.Model) *Run {
		w := window(results.WorkloadHold, 1, nil)
		w.Model, w.Offered = model, 170
		return &Run{Run: &results.Run{Phases: []results.Phase{w}}}
	}
	q, _ := QuantityNamed("hold.heartbeats")
	if got, ok := q.Asked(of(results.OpenLoop)); !ok || got != 170 {
		t.Errorf("asked %v (%v) of an open loop, want 170", got, ok)
	}
	if got, ok := q.Asked(of(results.ClosedLoop)); ok {
		t.Errorf("asked %v of a closed loop", got)
	}
	if q, _ := QuantityNamed("server.cores"); q.Name == "" {
		t.Error("server.cores is not known")
	} else if _, ok := q.Asked(of(results.OpenLoop)); ok {
		t.Error("processors were asked for")
	}
}
