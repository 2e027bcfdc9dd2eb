package stat

import (
	"math"
	"slices"
	"testing"
)

func TestSummarize(t *testing.T) {
	t.Parallel()
	inf := math.Inf(1)
	for _, tt := range []struct {
		name   string
		values []float64
		want   Summary
	}{
		{"one", []float64{7}, Summary{1, 7, 7, 7, -inf, inf}},
		{"three, any order", []float64{9, 1, 5}, Summary{3, 5, 1, 9, -inf, inf}},
		// Six is the first n whose extremes cover the median with 95 %: 1 - 2/2^6 = 96.9 %.
		{"six", []float64{6, 5, 4, 3, 2, 1}, Summary{6, 3.5, 1, 6, 1, 6}},
	} {
		in := slices.Clone(tt.values)
		if got := Summarize(in); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
		if !slices.Equal(in, tt.values) {
			t.Errorf("%s: the caller's slice was reordered", tt.name)
		}
	}
	if s := Summarize(nil); s.N != 0 || !math.IsNaN(s.Median) || s.Interval() {
		t.Errorf("of nothing: %+v", s)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		old, new    []float64
		delta       string
		significant bool
		support     string
	}{
		// U = 0 with 5+5: p = 2/C(10,5) = 0.008.
		{"clear", []float64{10, 11, 12, 13, 14}, []float64{20, 21, 22, 23, 24}, "+83.3 %", true, ""},
		{"overlap", []float64{10, 11, 12, 13, 14}, []float64{10.5, 11.5, 12.5, 13.5, 9}, "~", false, ""},
		// U = 0 with 3+3: p = 2/C(6,3) = 0.1, whatever the values.
		{"too few", []float64{1, 2, 3}, []float64{100, 200, 300}, "~", false, "n = 3 is too few for a claim (need >= 5); 3 beside 3 cannot show any difference, however large"},
		// The same with 3+5: p = 2/C(8,3) = 0.036.
		{"few beside enough", []float64{1, 2, 3}, []float64{100, 200, 300, 400, 500}, "+14900.0 %", true, "n = 3 is too few for a claim (need >= 5)"},
		{"from zero", []float64{0, 0, 0, 0, 0}, []float64{1, 2, 3, 4, 5}, "from 0", true, ""},
		{"equal", []float64{1, 1, 1, 1, 1}, []float64{1, 1, 1, 1, 1}, "~", false, ""},
	} {
		c := Compare(tt.old, tt.new)
		if c.Delta() != tt.delta || c.Significant != tt.significant || c.Support() != tt.support {
			t.Errorf("%s: %s, significant %v (p=%.3f), support %q", tt.name, c.Delta(), c.Significant, c.P, c.Support())
		}
	}
	if c := Compare([]float64{-4}, []float64{-2}); c.Change() != 0.5 {
		t.Errorf("from -4 to -2 is a rise by half, got %v", c.Change())
	}
}
