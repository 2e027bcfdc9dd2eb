package adminapi

import (
	"math"
	"slices"
	"time"

	"signalbench/results"
)

// PausesSince sums up the pauses between an earlier answer of the same server
// and this one. It is nil if one of them is no Go program's or their histograms
// do not belong together, as after a restart.
func (s *Stats) PausesSince(old *Stats) *results.GCPauses {
	if s.Go == nil || old == nil || old.Go == nil {
		return nil
	}
	now, then := s.Go.Pauses, old.Go.Pauses
	if !slices.Equal(now.Buckets, then.Buckets) || len(now.Counts) != len(then.Counts) ||
		len(now.Buckets) != len(now.Counts)+1 || s.Go.GCCycles < old.Go.GCCycles {
		return nil
	}
	counts := make([]uint64, len(now.Counts))
	p := &results.GCPauses{Cycles: s.Go.GCCycles - old.Go.GCCycles}
	for i := range counts {
		if now.Counts[i] < then.Counts[i] {
			return nil
		}
		counts[i] = now.Counts[i] - then.Counts[i]
		p.Count += counts[i]
	}
	p.P50 = upperBound(now.Buckets, counts, p.Count, 0.50)
	p.P99 = upperBound(now.Buckets, counts, p.Count, 0.99)
	p.Max = upperBound(now.Buckets, counts, p.Count, 1)
	return p
}

// upperBound is the end of the bucket that the q-quantile falls into. The last
// bucket has no end; its start stands for it.
func upperBound(buckets []time.Duration, counts []uint64, total uint64, q float64) time.Duration {
	if total == 0 {
		return 0
	}
	rank := max(uint64(math.Ceil(q*float64(total))), 1)
	var seen uint64
	for i, n := range counts {
		if seen += n; seen >= rank {
			if end := buckets[i+1]; end > buckets[i] && end < math.MaxInt64 {
				return end
			}
			return buckets[i]
		}
	}
	return 0
}
