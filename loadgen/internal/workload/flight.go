package workload

import (
	"sync/atomic"
	"time"

	"signalbench/results"
)

// A flight is one message on its way to all receivers of a room, whichever lanes
// they belong to. Its fields but number and state are written before the message is
// sent, and cause with Fanout.mu held.
type flight struct {
	number    atomic.Uint64 // of the message, plus 1; 0: there is none
	state     atomic.Uint64 // deliveries: completed ones in the lower half, failed ones in the upper
	receivers uint32
	main      bool
	due, sent time.Duration
	cause     results.Cause // of the first delivery that failed
}

// completed counts a delivery and returns how many there are of each kind.
func (f *flight) completed() (completed, failed uint32) { return halves(f.state.Add(1)) }

// failed counts n deliveries that failed.
func (f *flight) failed(n uint32) (completed, failed uint32) {
	return halves(f.state.Add(uint64(n) << 32))
}

func halves(state uint64) (completed, failed uint32) { return uint32(state), uint32(state >> 32) }

// A milestone is a part of the receivers, rounded up: that many have a message
// when that part of them has it.
func milestone(receivers uint32, percent uint64) uint32 {
	return uint32((uint64(receivers)*percent + 99) / 100)
}
