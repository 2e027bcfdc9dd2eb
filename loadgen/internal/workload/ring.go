package workload

import (
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/wire"
)

// A Ring is the connections that take part in a load, over all lanes: counts[i]
// of lane i. Operation n belongs to connection n modulo their number, so every
// connection has the same part, however unevenly lanes are filled.
//
// Connections stand in rounds: the first of each lane, then the second of each
// lane that has one, and so on.
type Ring struct {
	counts []int
	total  int
}

// NewRing returns the ring of lanes with these many open connections.
func NewRing(counts []int) Ring {
	r := Ring{counts: counts}
	for _, n := range counts {
		r.total += n
	}
	return r
}

// Total is the number of connections.
func (r Ring) Total() int { return r.total }

// place is where the k-th connection of a lane stands.
func (r Ring) place(index, k int) int {
	at := 0
	for i, n := range r.counts {
		at += min(n, k)
		if i < index && n > k {
			at++
		}
	}
	return at
}

// members lists the open connections of l, in the lane's own order.
func members(l *lane.Lane) []wire.Conn {
	list := make([]wire.Conn, 0, l.Open())
	for c := range wire.Conn(l.Conns) {
		if l.IsOpen(c) {
			list = append(list, c)
		}
	}
	return list
}
