package results

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The processes of a server, and its runs, add up as one histogram.
func TestMergePauses(t *testing.T) {
	p := func(bounds []time.Duration, counts ...uint64) Pauses { return NewPauses(bounds, counts) }
	many, rare := p([]time.Duration{0, 10, 20}, 0, 99), p([]time.Duration{40, 50, 60}, 1, 0)
	if many.P99 != 20 || rare.P50 != 50 || len(rare.Counts) != 1 {
		t.Fatalf("%+v and %+v", many, rare)
	}
	got, ok := MergePauses(many, Pauses{}, rare, many)
	want := Pauses{Count: 199, P50: 20, P99: 20, Max: 50, Buckets: []time.Duration{10, 20, 40, 50}, Counts: []uint64{198, 0, 1}}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("%v (-want +got):\n%s", ok, diff)
	}
	if _, ok := MergePauses(many, Pauses{Count: 3, Max: 7}); ok {
		t.Error("a histogram without its buckets adds up")
	}
	if got, ok := MergePauses(); !ok || got.Count != 0 {
		t.Errorf("nothing is %+v, %v", got, ok)
	}
}

func TestCollectorsShare(t *testing.T) {
	g := GCPauses{Processes: 4, Length: 10 * time.Second, Cycles: 8, GCCPU: time.Second, CPU: 20 * time.Second}
	if got := g.Interval(); got != 5*time.Second {
		t.Errorf("a process collects every %v", got)
	}
	if got := g.CPUFraction(); got != 0.05 {
		t.Errorf("it takes %v of the processor time", got)
	}
	if g = (GCPauses{}); g.Interval() != 0 || !math.IsNaN(g.CPUFraction()) {
		t.Errorf("%v and %v of nothing", g.Interval(), g.CPUFraction())
	}
}

// Runs of earlier builds have no more than the quantiles.
func TestPausesOfEarlierBuilds(t *testing.T) {
	var g GCPauses
	if err := json.Unmarshal([]byte(`{"cycles":2,"count":4,"p50_ns":1,"p99_ns":2,"max_ns":3}`), &g); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(GCPauses{Cycles: 2, Pauses: Pauses{Count: 4, P50: 1, P99: 2, Max: 3}}, g); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
