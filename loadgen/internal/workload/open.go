package workload

import (
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// An Open is an open loop of echoes: operations are due by a schedule, spread
// evenly over the connections, and are sent then, or as soon after as the
// generator can, or counted as dropped.
type Open struct {
	common
	ring  Ring
	conns []wire.Conn // those of this lane
	legs  [2]leg
	leg   int

	cycle, k uint64        // the next operation is conns[k]'s in this cycle
	due      time.Duration // when it is due; Never after the last
}

// leg is one of the two phases of a load, each with a schedule of its own.
type leg struct {
	start    time.Duration
	schedule pace.Schedule
}

// NewOpen returns l's part of an open loop. Begin must have been called on d.
// The schedules are those of all lanes together; warm counts from span.Start
// and main from span.Main.
func NewOpen(l *lane.Lane, d *Delivery, ring Ring, span Span, warm, main pace.Schedule) *Open {
	o := &Open{common: common{l: l, d: d}, ring: ring, conns: members(l)}
	o.legs = [2]leg{{span.Start, warm}, {span.Main, main}}
	o.plan()
	return o
}

// plan finds the next operation of this lane, from cycle and k on.
func (o *Open) plan() {
	for ; o.leg < len(o.legs); o.leg, o.cycle, o.k = o.leg+1, 0, 0 {
		if len(o.conns) == 0 {
			continue
		}
		g := o.legs[o.leg]
		n := o.cycle*uint64(o.ring.total) + uint64(o.ring.place(o.l.Index, int(o.k)))
		if due, ok := g.schedule.Due(n); ok {
			o.due = g.start + due
			return
		}
	}
	o.due = lane.Never
}

// Next implements [lane.Workload].
func (o *Open) Next() time.Duration { return o.due }

// Fire implements [lane.Workload].
func (o *Open) Fire(now time.Duration) {
	for range few {
		if o.due > now {
			break
		}
		c, main, due := o.conns[o.k], o.leg == 1, o.due
		if o.k++; o.k == uint64(len(o.conns)) {
			o.cycle, o.k = o.cycle+1, 0
		}
		o.plan()
		if !o.l.IsOpen(c) {
			o.d.Drop(main, results.CauseNoConn)
			continue
		}
		sent := o.l.Now()
		o.d.Send(c, main, due, sent)
		now = sent
	}
	o.tell(o.Finished())
}

// Received implements [lane.Workload].
func (o *Open) Received(c wire.Conn, op frame.Opcode, p []byte, now time.Duration) {
	o.common.Received(c, op, p, now)
	o.tell(o.Finished())
}

// Ended implements [lane.Workload].
func (o *Open) Ended(c wire.Conn, why results.Cause, now time.Duration) {
	o.common.Ended(c, why, now)
	o.tell(o.Finished())
}

// Finished implements [Stage].
func (o *Open) Finished() bool { return o.due == lane.Never && o.d.Outstanding() == 0 }

// Abort implements [Stage]. What was not due yet does not count; what was due
// and waits is dropped.
func (o *Open) Abort(why results.Cause) {
	for now := o.l.Now(); o.due <= now; {
		main := o.leg == 1
		if o.k++; o.k == uint64(len(o.conns)) {
			o.cycle, o.k = o.cycle+1, 0
		}
		o.plan()
		o.d.Drop(main, why)
	}
	o.leg, o.due = len(o.legs), lane.Never
	o.tell(o.Finished())
}
