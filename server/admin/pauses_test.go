package admin

import (
	"math"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSummarize(t *testing.T) {
	t.Parallel()
	inf := math.Inf(1)
	bounds := []float64{math.Inf(-1), 1e-6, 2e-6, 4e-6, inf}
	us := time.Microsecond
	for name, tt := range map[string]struct {
		counts []uint64
		want   Pauses
	}{
		"none":        {[]uint64{0, 0, 0, 0}, Pauses{Buckets: []time.Duration{}, Counts: []uint64{}}},
		"one bucket":  {[]uint64{0, 3, 0, 0}, Pauses{3, 2 * us, 2 * us, 2 * us, []time.Duration{us, 2 * us}, []uint64{3}}},
		"open bottom": {[]uint64{1, 0, 0, 0}, Pauses{1, us, us, us, []time.Duration{0, us}, []uint64{1}}},
		"open top":    {[]uint64{0, 0, 0, 2}, Pauses{2, 4 * us, 4 * us, 4 * us, []time.Duration{4 * us, 4 * us}, []uint64{2}}},
		"a hole, and a tail of one in a hundred": {[]uint64{99, 0, 1, 0},
			Pauses{100, us, us, 4 * us, []time.Duration{0, us, 2 * us, 4 * us}, []uint64{99, 0, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := summarize(&metrics.Float64Histogram{Counts: tt.counts, Buckets: bounds})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestKilobytes(t *testing.T) {
	t.Parallel()
	file := []byte("55d0-7ffe ---p 00000000 00:00 0    [rollup]\nRss:                1232 kB\nPss_Dirty: 3 kB\nOdd: 7 MB\nNone: kB\n")
	if n, err := kilobytes(file, "Rss"); n != 1232<<10 || err != nil {
		t.Errorf("Rss: %d, %v", n, err)
	}
	for _, name := range []string{"Pss", "Odd", "None"} {
		if n, err := kilobytes(file, name); err == nil {
			t.Errorf("%s: %d", name, n)
		}
	}
}
