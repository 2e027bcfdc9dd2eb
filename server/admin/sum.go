package admin

import (
	"maps"
	"slices"
	"time"
)

// Shard is one process of a server that has several.
type Shard struct {
	PID   int    `json:"pid"`
	Alive bool   `json:"alive"`
	Open  int64  `json:"open"` // of one that is dead: what it was last known to hold
	Exit  string `json:"exit,omitempty"`
}

// Add adds what another process of the same server says. Shared pages count once
// in PSS and as often as they are mapped in RSS. Versions, settings and the
// engine are alike in all, and taken from the last.
func (s *Stats) Add(o *Stats) {
	s.Engine, s.Config = o.Engine, o.Config
	s.Tables += o.Tables
	s.Connections.Add(o.Connections)
	s.Service.Add(o.Service)
	g, h := &s.Go, &o.Go
	g.Goroutines += h.Goroutines
	g.Heap += h.Heap
	g.HeapLive += h.HeapLive
	g.Stacks += h.Stacks
	g.Runtime += h.Runtime
	g.GCCycles += h.GCCycles
	g.GOGC = h.GOGC
	if h.MemoryLimit < 0 {
		g.MemoryLimit = h.MemoryLimit
	} else {
		g.MemoryLimit = max(0, g.MemoryLimit) + h.MemoryLimit
	}
	g.GCPauses = merged(g.GCPauses, h.GCPauses)
	g.OtherPauses = merged(g.OtherPauses, h.OtherPauses)
	g.GCCPU += h.GCCPU
	p, q := &s.Process, &o.Process
	p.RSS += q.RSS
	p.PSS += q.PSS
	p.Anon += q.Anon
	p.Descriptors += q.Descriptors
	p.User += q.User
	p.System += q.System
}

// Add adds the counters of another process.
func (c *Connections) Add(o Connections) {
	c.Accepted += o.Accepted
	c.Upgraded += o.Upgraded
	c.Open += o.Open
	c.Closed += o.Closed
	c.Failed += o.Failed
	c.Refused += o.Refused
	c.Evicted += o.Evicted
	c.DroppedMessages += o.DroppedMessages
	c.TimedOut += o.TimedOut
	c.AcceptErrors += o.AcceptErrors
	c.LostWithShard += o.LostWithShard
}

// merged adds two histograms whose buckets are parts of the same division, the
// runtime's. Between them there may be buckets that both left out.
func merged(a, b Pauses) Pauses {
	counts := make(map[time.Duration]uint64) // by lower bound
	for _, p := range []Pauses{a, b} {
		for i, n := range p.Counts {
			counts[p.Buckets[i]] += n
			counts[p.Buckets[i+1]] += 0
		}
	}
	sum := Pauses{Buckets: slices.Sorted(maps.Keys(counts)), Counts: []uint64{}}
	if len(sum.Buckets) == 0 {
		sum.Buckets = []time.Duration{}
		return sum
	}
	for _, bound := range sum.Buckets[:len(sum.Buckets)-1] {
		sum.Counts = append(sum.Counts, counts[bound])
		sum.Count += counts[bound]
	}
	sum.P50, sum.P99, sum.Max = sum.quantile(0.50), sum.quantile(0.99), sum.Buckets[len(sum.Buckets)-1]
	return sum
}
