package workload

import (
	"time"

	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
)

// leg is one of the two phases of a load, each with a schedule of its own.
type leg struct {
	start    time.Duration
	schedule pace.Schedule
}

// A rota says which of a lane's members has the next operation of an open loop, and
// when: all members of all lanes in turn, first by the schedule of the warm-up and then
// by that of the window. What a member is, a connection, a swarm or a publisher, its
// user knows. It is for the lane's thread.
type rota struct {
	legs  [2]leg
	leg   int
	own   int             // members of this lane
	total uint64          // of all lanes
	place func(k int) int // where the lane's k-th stands among all

	cycle uint64 // the next operation is the k-th member's in this cycle
	k     int
	due   time.Duration // when it is; Never after the last
}

// newRota plans for own of total members. The schedules are those of all lanes
// together; warm counts from span.Start and main from span.Main.
func newRota(span Span, warm, main pace.Schedule, own, total int, place func(k int) int) rota {
	r := rota{legs: [2]leg{{span.Start, warm}, {span.Main, main}}, own: own, total: uint64(total), place: place}
	r.plan()
	return r
}

// plan finds the next operation of this lane, from cycle and k on.
func (r *rota) plan() {
	for ; r.leg < len(r.legs) && r.own > 0; r.leg, r.cycle, r.k = r.leg+1, 0, 0 {
		g := r.legs[r.leg]
		if due, ok := g.schedule.Due(r.cycle*r.total + uint64(r.place(r.k))); ok {
			r.due = g.start + due
			return
		}
	}
	r.due = lane.Never
}

// take moves on to the operation after the one that is due.
func (r *rota) take() (k int, main bool, due time.Duration) {
	k, main, due = r.k, r.leg == 1, r.due
	if r.k++; r.k == r.own {
		r.cycle, r.k = r.cycle+1, 0
	}
	r.plan()
	return k, main, due
}

// end gives up what is not due yet.
func (r *rota) end() { r.leg, r.due = len(r.legs), lane.Never }
