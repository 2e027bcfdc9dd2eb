package sections

import (
	"slices"
	"testing"
	"time"

	"signalbench/compare/internal/digest"
	"signalbench/results"
)

// What a server of channels sent by itself has columns of its own, where there is such a
// server.
func TestHoldOfPings(t *testing.T) {
	t.Parallel()
	held := func(pings *results.Pings, came uint64) *digest.Run {
		return &digest.Run{Repetition: 1, Run: &results.Run{Verdict: results.Valid, Pings: pings, Phases: []results.Phase{
			{Name: "ramp", Kind: results.Ramp, Length: time.Second, Dials: results.Dials{Upgraded: 500}},
			{Name: "hold/window", Kind: results.Window, Workload: results.WorkloadHold, Length: 2 * time.Minute, Pings: came},
		}}}
	}
	suite := func(runs ...*digest.Run) *digest.Suite {
		s := &digest.Suite{}
		for _, r := range runs {
			s.Arms = append(s.Arms, &digest.Arm{Arm: results.Arm{Name: "x"}, Runs: []*digest.Run{r}})
		}
		return s
	}
	alone := Hold(suite(held(nil, 0)))
	both := Hold(suite(held(&results.Pings{Sent: 1300, SentMost: 1301, Received: 1299}, 1200), held(nil, 0)))
	if more := len(both.Columns) - len(alone.Columns); more != 2 {
		t.Fatalf("%d columns more", more)
	}
	for i, want := range [][]string{{"10", "1,299 of 1,300"}, {"–", "–"}} {
		cells := both.Rows[i].Cells
		if got := cells[len(cells)-2:]; !slices.Equal(got, want) {
			t.Errorf("row %d ends with %q, want %q", i, got, want)
		}
	}
}
