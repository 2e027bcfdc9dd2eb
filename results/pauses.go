package results

import (
	"maps"
	"math"
	"slices"
	"time"
)

// GCPauses is what a side's Go runtime did about its garbage during a run: how
// often it collected, and how long the world stood still (package
// runtime/metrics). The settled readings of the ledger force two cycles each.
type GCPauses struct {
	GOGC        int64         `json:"gogc,omitempty"`               // percent, -1 for off; 0: not told
	MemoryLimit int64         `json:"memory_limit_bytes,omitempty"` // of all processes together, -1 for none; 0: not told
	Processes   int           `json:"processes,omitempty"`          // that add up here, a supervisor apart
	Length      time.Duration `json:"length_ns,omitempty"`          // between the two readings
	Cycles      uint64        `json:"cycles"`
	// GCCPU is the runtime's estimate (/cpu/classes/gc/total:cpu-seconds), CPU
	// what the kernel counted of the processes, in all.
	GCCPU time.Duration `json:"gc_cpu_ns,omitempty"`
	CPU   time.Duration `json:"cpu_ns,omitempty"`
	Pauses
	Other *Pauses `json:"other,omitempty"` // pauses that were not for the collector; nil: not told
}

// Interval is the mean time between two cycles of one process; 0 if it is not known.
func (g *GCPauses) Interval() time.Duration {
	if g.Cycles == 0 {
		return 0
	}
	return time.Duration(float64(g.Length) * float64(max(1, g.Processes)) / float64(g.Cycles))
}

// CPUFraction is the collector's part of the processor time that was used; NaN
// if that is not known.
func (g *GCPauses) CPUFraction() float64 {
	if g.CPU <= 0 {
		return math.NaN()
	}
	return float64(g.GCCPU) / float64(g.CPU)
}

// Pauses is a histogram of stop-the-world pauses: Counts[i] took from Buckets[i]
// to below Buckets[i+1], which are the Go runtime's own. The quantiles are upper
// bounds of buckets.
type Pauses struct {
	Count   uint64          `json:"count"`
	P50     time.Duration   `json:"p50_ns"`
	P99     time.Duration   `json:"p99_ns"`
	Max     time.Duration   `json:"max_ns"`
	Buckets []time.Duration `json:"buckets_ns,omitempty"`
	Counts  []uint64        `json:"counts,omitempty"`
}

// NewPauses makes a histogram of len(counts)+1 bounds in order, without the
// empty buckets at both ends. It keeps parts of its arguments.
func NewPauses(buckets []time.Duration, counts []uint64) Pauses {
	for len(counts) > 0 && counts[0] == 0 {
		buckets, counts = buckets[1:], counts[1:]
	}
	for len(counts) > 0 && counts[len(counts)-1] == 0 {
		buckets, counts = buckets[:len(buckets)-1], counts[:len(counts)-1]
	}
	if len(counts) == 0 {
		return Pauses{}
	}
	p := Pauses{Buckets: buckets, Counts: counts}
	for _, n := range counts {
		p.Count += n
	}
	p.P50, p.P99, p.Max = p.upperBound(0.50), p.upperBound(0.99), p.upperBound(1)
	return p
}

// MergePauses adds up histograms of the same division, parts of which they may
// have left out. ok is false if one of them has counts and no buckets, as runs
// of earlier builds.
func MergePauses(list ...Pauses) (sum Pauses, ok bool) {
	counts := make(map[time.Duration]uint64) // by lower bound
	for _, p := range list {
		if len(p.Counts) == 0 && p.Count > 0 || len(p.Counts) > 0 && len(p.Buckets) != len(p.Counts)+1 {
			return Pauses{}, false
		}
		for i, n := range p.Counts {
			counts[p.Buckets[i]] += n
			counts[p.Buckets[i+1]] += 0
		}
	}
	bounds := slices.Sorted(maps.Keys(counts))
	if len(bounds) == 0 {
		return Pauses{}, true
	}
	each := make([]uint64, len(bounds)-1)
	for i := range each {
		each[i] = counts[bounds[i]]
	}
	return NewPauses(bounds, each), true
}

// upperBound is the end of the bucket that the q-quantile falls into. The last
// bucket of a division has no end; its start stands for it.
func (p *Pauses) upperBound(q float64) time.Duration {
	rank := max(uint64(math.Ceil(q*float64(p.Count))), 1)
	var seen uint64
	for i, n := range p.Counts {
		if seen += n; seen >= rank {
			if end := p.Buckets[i+1]; end > p.Buckets[i] && end < math.MaxInt64 {
				return end
			}
			return p.Buckets[i]
		}
	}
	return 0
}
