package workload

import (
	"math"

	"signalbench/loadgen/internal/wire"
)

// gapLimit bounds the gaps of one lane.
const gapLimit = 1<<16 - 1

// gaps is the messages that were overtaken by later ones of their connection
// and have not come yet. A server that answers in order leaves it empty.
type gaps struct{ set map[uint64]struct{} }

func newGaps() gaps { return gaps{make(map[uint64]struct{})} }

func gap(c wire.Conn, seq uint32) uint64 { return uint64(c)<<32 | uint64(seq) }

// open reports whether there was room to remember the gap.
func (g gaps) open(c wire.Conn, seq uint32) bool {
	if len(g.set) >= gapLimit {
		return false
	}
	g.set[gap(c, seq)] = struct{}{}
	return true
}

// fill reports whether the message was missing until now.
func (g gaps) fill(c wire.Conn, seq uint32) bool {
	if len(g.set) == 0 {
		return false
	}
	k := gap(c, seq)
	if _, ok := g.set[k]; !ok {
		return false
	}
	delete(g.set, k)
	return true
}

// lowest returns the first message of c that is missing; there is one.
func (g gaps) lowest(c wire.Conn) uint32 {
	low := uint32(math.MaxUint32)
	for k := range g.set {
		if wire.Conn(k>>32) == c {
			low = min(low, uint32(k))
		}
	}
	return low
}

// close forgets the gaps of c and tells each.
func (g gaps) close(c wire.Conn, each func(seq uint32)) {
	for k := range g.set {
		if wire.Conn(k>>32) == c {
			delete(g.set, k)
			each(uint32(k))
		}
	}
}
