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
	turns
}

// NewOpen returns l's part of an open loop. Begin must have been called on d.
// The schedules are those of all lanes together; warm counts from span.Start
// and main from span.Main.
func NewOpen(l *lane.Lane, d *Delivery, ring Ring, span Span, warm, main pace.Schedule) *Open {
	return &Open{common: common{l: l, d: d}, turns: newTurns(l, ring, span, warm, main)}
}

// Next implements [lane.Workload].
func (o *Open) Next() time.Duration { return o.due }

// Fire implements [lane.Workload].
func (o *Open) Fire(now time.Duration) {
	for range few {
		if o.due > now {
			break
		}
		c, main, due := o.take()
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
		_, main, _ := o.take()
		o.d.Drop(main, why)
	}
	o.end()
	o.tell(o.Finished())
}
