package results

import "testing"

// What the server sent by the time that what came was counted has come, and nothing
// that it had not sent by then; connections that were lost take some with them.
func TestJudgePings(t *testing.T) {
	for name, tc := range map[string]struct {
		pings   *Pings
		lost    uint64
		partial bool
		bad     bool
	}{
		"none compared":  {nil, 0, false, false},
		"all":            {&Pings{100, 100, 100}, 0, false, false},
		"some on way":    {&Pings{100, 110, 105}, 0, false, false},
		"one missing":    {&Pings{100, 110, 99}, 0, false, true},
		"one too many":   {&Pings{100, 110, 111}, 0, false, true},
		"lost":           {&Pings{100, 110, 99}, 1, false, false},
		"stopped before": {&Pings{100, 110, 99}, 0, true, false},
	} {
		run := &Run{Pings: tc.pings, Partial: tc.partial, Phases: []Phase{{Name: "hold/window", Kind: Window, Workload: WorkloadHold, Dials: Dials{Lost: tc.lost}}}}
		run.Judge(DefaultLimits())
		found := false
		for _, f := range run.Findings {
			found = found || f.Check == CheckPings && f.Severity == Fatal
		}
		if found != tc.bad {
			t.Errorf("%s: %v", name, run.Findings)
		}
	}
}
