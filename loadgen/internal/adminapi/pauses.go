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
//
// A server may leave empty buckets at both ends out of its answer, so the two
// answers need not have the same ones.
func (s *Stats) PausesSince(old *Stats) *results.GCPauses {
	if s.Go == nil || old == nil || old.Go == nil || s.Go.GCCycles < old.Go.GCCycles {
		return nil
	}
	now, then := s.Go.Pauses, old.Go.Pauses
	if !now.whole() || !then.whole() {
		return nil
	}
	counts := slices.Clone(now.Counts)
	for i, n := range then.Counts {
		if n == 0 {
			continue
		}
		at, found := slices.BinarySearch(now.Buckets, then.Buckets[i])
		if !found || at == len(counts) || now.Buckets[at+1] != then.Buckets[i+1] || counts[at] < n {
			return nil
		}
		counts[at] -= n
	}
	p := &results.GCPauses{Cycles: s.Go.GCCycles - old.Go.GCCycles}
	for _, n := range counts {
		p.Count += n
	}
	p.P50 = upperBound(now.Buckets, counts, p.Count, 0.50)
	p.P99 = upperBound(now.Buckets, counts, p.Count, 0.99)
	p.Max = upperBound(now.Buckets, counts, p.Count, 1)
	return p
}

// whole reports whether there is a boundary at each end of each count, in order;
// no count needs none.
func (p *GCPauses) whole() bool {
	if len(p.Counts) == 0 {
		return len(p.Buckets) <= 1
	}
	return len(p.Buckets) == len(p.Counts)+1 && slices.IsSorted(p.Buckets)
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
