package workload

import (
	"time"

	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/wire"
)

// leg is one of the two phases of a load, each with a schedule of its own.
type leg struct {
	start    time.Duration
	schedule pace.Schedule
}

// turns says which of a lane's connections has the next operation of an open loop,
// and when: all connections of all lanes in turn.
type turns struct {
	ring  Ring
	index int         // of the lane
	conns []wire.Conn // those of this lane
	legs  [2]leg
	leg   int

	cycle, k uint64        // the next operation is conns[k]'s in this cycle
	due      time.Duration // when it is due; Never after the last
}

// newTurns plans for l's connections. The schedules are those of all lanes together;
// warm counts from span.Start and main from span.Main.
func newTurns(l *lane.Lane, ring Ring, span Span, warm, main pace.Schedule) turns {
	t := turns{ring: ring, index: l.Index, conns: members(l)}
	t.legs = [2]leg{{span.Start, warm}, {span.Main, main}}
	t.plan()
	return t
}

// plan finds the next operation of this lane, from cycle and k on.
func (t *turns) plan() {
	for ; t.leg < len(t.legs); t.leg, t.cycle, t.k = t.leg+1, 0, 0 {
		if len(t.conns) == 0 {
			continue
		}
		g := t.legs[t.leg]
		n := t.cycle*uint64(t.ring.total) + uint64(t.ring.place(t.index, int(t.k)))
		if due, ok := g.schedule.Due(n); ok {
			t.due = g.start + due
			return
		}
	}
	t.due = lane.Never
}

// take moves on to the operation after the one that is due.
func (t *turns) take() (c wire.Conn, main bool, due time.Duration) {
	c, main, due = t.conns[t.k], t.leg == 1, t.due
	if t.k++; t.k == uint64(len(t.conns)) {
		t.cycle, t.k = t.cycle+1, 0
	}
	t.plan()
	return c, main, due
}

// end gives up what is not due yet.
func (t *turns) end() { t.leg, t.due = len(t.legs), lane.Never }
