package results_test

import (
	"slices"
	"testing"
	"time"

	"signalbench/results"
)

// ramp is an interval of a second for each count, whose upgrades all take as many
// milliseconds as there were intervals before it, and one.
func ramp(counts ...uint64) []results.Interval {
	var list []results.Interval
	for i, n := range counts {
		h := results.NewHistogram()
		for range n {
			h.Record(time.Duration(i+1) * time.Millisecond)
		}
		list = append(list, results.Interval{Start: time.Duration(i) * time.Second, Length: time.Second, Histogram: h})
	}
	return list
}

func TestByHeld(t *testing.T) {
	type span struct {
		from, to uint64
		rate     float64
		p90      time.Duration // in ms
	}
	for _, tc := range []struct {
		name  string
		ramp  []results.Interval
		steps int
		want  []span
	}{
		{"nothing", nil, 5, nil},
		{"too few for two", ramp(10_000, 9_999), 1, nil},
		{"one interval", ramp(50_000), 5, nil},
		{"first and last", ramp(12_000, 12_000, 12_000), 1, []span{{0, 12_000, 12_000, 1}, {24_000, 36_000, 12_000, 3}}},
		{"several intervals make up a window", ramp(6_000, 6_000, 6_000, 6_000), 1, []span{{0, 12_000, 6_000, 2}, {12_000, 24_000, 6_000, 4}}},
		{"a short interval before a plateau", ramp(12_000, 12_000, 1_000), 1, []span{{0, 12_000, 12_000, 1}, {12_000, 25_000, 6_500, 2}}},
		{"plateaus", ramp(10_000, 10_000, 10_000, 10_000, 10_000, 10_000), 3, []span{{0, 10_000, 10_000, 1}, {10_000, 20_000, 10_000, 2}, {30_000, 40_000, 10_000, 4}, {50_000, 60_000, 10_000, 6}}},
		{"plateaus closer than a window are left out", ramp(10_000, 5_000, 5_000, 5_000), 5, []span{{0, 10_000, 10_000, 1}, {10_000, 20_000, 5_000, 3}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []span
			for _, h := range results.ByHeld(tc.ramp, tc.steps) {
				got = append(got, span{h.From, h.To, h.PerSecond(), h.Histogram.Quantile(0.9).Round(time.Millisecond) / time.Millisecond})
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
