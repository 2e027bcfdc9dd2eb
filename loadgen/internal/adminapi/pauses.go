package adminapi

import (
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
	gc, ok := s.Go.Pauses.since(&old.Go.Pauses)
	if !ok {
		return nil
	}
	p := &results.GCPauses{
		GOGC: s.Go.GOGC, MemoryLimit: s.Go.MemoryLimit, Processes: max(1, len(s.Shards)),
		Length: time.Duration((s.Uptime - old.Uptime) * float64(time.Second)),
		Cycles: s.Go.GCCycles - old.Go.GCCycles, GCCPU: s.Go.GCCPU - old.Go.GCCPU, Pauses: gc,
	}
	if s.Process != nil && old.Process != nil {
		p.CPU = s.Process.User + s.Process.System - old.Process.User - old.Process.System
	}
	if s.Go.OtherPauses != nil && old.Go.OtherPauses != nil {
		if other, ok := s.Go.OtherPauses.since(old.Go.OtherPauses); ok {
			p.Other = &other
		}
	}
	return p
}

// since is what p has more than an earlier then.
func (p *GCPauses) since(then *GCPauses) (results.Pauses, bool) {
	if !p.whole() || !then.whole() {
		return results.Pauses{}, false
	}
	counts := slices.Clone(p.Counts)
	for i, n := range then.Counts {
		if n == 0 {
			continue
		}
		at, found := slices.BinarySearch(p.Buckets, then.Buckets[i])
		if !found || at == len(counts) || p.Buckets[at+1] != then.Buckets[i+1] || counts[at] < n {
			return results.Pauses{}, false
		}
		counts[at] -= n
	}
	return results.NewPauses(p.Buckets, counts), true
}

// whole reports whether there is a boundary at each end of each count, in order;
// no count needs none.
func (p *GCPauses) whole() bool {
	if len(p.Counts) == 0 {
		return len(p.Buckets) <= 1
	}
	return len(p.Buckets) == len(p.Counts)+1 && slices.IsSorted(p.Buckets)
}
