package trial

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbench/loadgen/internal/adversary"
	"signalbench/loadgen/internal/workload"
	"signalbench/results"
)

// Each workload runs without adversaries first, and then beside them; the healthy
// connections are the same.
func TestBesideAdversaries(t *testing.T) {
	t.Parallel()
	s := serve(t, false, nil)
	p := s.plan(t, Echo, Storm, Echo)
	p.Storm, p.Backoffs, p.StormLimit = results.StormReset, []workload.Backoff{{}, {Min: time.Millisecond, Max: time.Second}}, 10*time.Second
	p.Adversaries = []adversary.Demand{{Kind: adversary.SlowReader, Count: 2}, {Kind: adversary.HalfHandshake, Count: 3}, {Kind: adversary.PingFlood, Count: 1}}
	run, err := run(context.Background(), p, new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	if bad := fatal(run); len(bad) > 0 {
		t.Errorf("invalid: %q", bad)
	}
	books(t, run)
	var windows []string
	for _, ph := range run.Phases {
		if ph.Kind != results.Window {
			if len(ph.Adversaries) > 0 {
				t.Errorf("%s has adversaries", ph.Name)
			}
			continue
		}
		windows = append(windows, ph.Name)
		if beset := strings.Contains(ph.Name, "+adversaries"); beset != (len(ph.Adversaries) == 3) {
			t.Errorf("%s: %+v", ph.Name, ph.Adversaries)
		}
		for _, a := range ph.Adversaries {
			if a.Opened < uint64(a.Count) || a.Sent == 0 {
				t.Errorf("%s: %+v", ph.Name, a)
			}
		}
	}
	want := []string{
		"echo/window", "echo+adversaries/window", "storm-1/window", "storm-2/window", "storm-1+adversaries/window", "storm-2+adversaries/window",
		"echo-2/window", "echo-2+adversaries/window",
	}
	if !slices.Equal(windows, want) {
		t.Errorf("windows %q", windows)
	}
	if a := run.Spec.Adversaries; len(a) != 3 || a[0].Kind != "slow-reader" || a[0].Count != 2 {
		t.Errorf("asked for %+v", a)
	}
}
