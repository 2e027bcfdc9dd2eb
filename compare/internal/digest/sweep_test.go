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
