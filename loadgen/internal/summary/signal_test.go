package summary

import (
	"strings"
	"testing"
	"time"

	"signalbench/results"
)

// A window of sessions says what they were made of and why some of it did not arrive;
// other windows do not, and a warm-up is no figure.
func TestSignal(t *testing.T) {
	sessions := results.Phase{
		Name: "signal/window", Kind: results.Window, Workload: results.WorkloadSignal, Length: 10 * time.Second,
		Ops: results.Ops{Scheduled: 1000, Completed: 998, Failed: 2, Causes: map[results.Cause]uint64{results.CauseAbsent: 2}},
		Signal: &results.Signal{
			Swarms: 100, Size: 10, Contacts: 3, Candidates: 4,
			Joins: results.Ops{Scheduled: 1000, Completed: 1000}, Notices: results.Ops{Scheduled: 9000, Completed: 9000},
			Relays: results.Ops{Scheduled: 30_000, Completed: 29_998, Failed: 2, Causes: map[results.Cause]uint64{results.CauseAbsent: 2}},
		},
		Server: results.Usage{Known: true, User: 2 * time.Second, System: time.Second}, Client: results.Usage{Known: true, User: 2 * time.Second},
	}
	warm := sessions
	warm.Name, warm.Kind = "signal/warm-up", results.WarmUp
	warm.Signal = &results.Signal{Swarms: 100, Size: 10}
	var b strings.Builder
	Write(&b, &results.Run{Phases: []results.Phase{warm, sessions, {Name: "echo/window", Kind: results.Window}}, Verdict: results.Valid}, "x")
	lines := strings.Split(b.String(), "\n")
	found := 0
	for _, line := range lines {
		if strings.Contains(line, "29998") {
			found++
			want := []string{"signal/window", "100", "10", "998", "1000", "9000", "30000", "29998", "3000", "9999", "14999"}
			if got := strings.Fields(line); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
	if found != 1 || !strings.Contains(b.String(), "signal/window: 2 relays: peer is not there\n") || !strings.Contains(b.String(), "signal/window: 2 sessions: peer is not there\n") {
		t.Errorf("%d rows in\n%s", found, b.String())
	}
}
