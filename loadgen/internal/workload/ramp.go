package workload

import (
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// A Ramp dials a range of connections, each once. Connections that opened before
// stay idle.
//
// Dial number n is due by the schedule, also if the dial window is full then:
// its connect time includes the wait. Without a schedule it is due when the
// window has room for it.
type Ramp struct {
	common
	schedule   pace.Schedule
	start      time.Duration
	shard      *record.Shard
	greet      bool
	first      uint32 // of the range, as the run counts connections
	next, last wire.Conn
	open       int // dials that have not ended
}

// NewRamp dials the run's connections from first to end-1, as far as they are
// l's. schedule counts from first and may be nil. With greet each connection sends
// what it begins with, see [Form], once it is upgraded.
func NewRamp(l *lane.Lane, d *Delivery, schedule pace.Schedule, start time.Duration, first, end int, greet bool, shard *record.Shard) *Ramp {
	return &Ramp{
		common: common{l: l, d: d}, schedule: schedule, start: start, shard: shard, greet: greet,
		first: uint32(first), next: l.Local(uint32(first)), last: l.Local(uint32(end)),
	}
}

// Start says when the first dial is due, in place of what NewRamp was given. Call
// it on the lane's thread.
func (r *Ramp) Start(at time.Duration) { r.start = at }

// Next implements [lane.Workload].
func (r *Ramp) Next() time.Duration {
	if r.next == r.last || r.l.Full() {
		return lane.Never
	}
	due, _ := r.due(0)
	return due
}

// due is when the next dial is due. Without a schedule that is now.
func (r *Ramp) due(now time.Duration) (time.Duration, bool) {
	if r.schedule == nil {
		return max(r.start, now), true
	}
	due, ok := r.schedule.Due(uint64(r.l.Global(r.next) - r.first))
	return r.start + due, ok
}

// Fire implements [lane.Workload].
func (r *Ramp) Fire(now time.Duration) {
	for range few {
		if r.next == r.last || r.l.Full() {
			break
		}
		due, ok := r.due(now)
		if !ok {
			r.next = r.last // the schedule is shorter than the range
			break
		}
		if due > now {
			break
		}
		c := r.next
		r.next++
		r.open++
		r.l.Dial(c, due, r.shard)
	}
	r.tell(r.Finished())
}

// Opened implements [lane.Workload].
func (r *Ramp) Opened(c wire.Conn, _, now time.Duration) {
	r.open--
	if r.greet {
		r.d.Greet(c, true, now, now)
	}
	r.tell(r.Finished())
}

// Failed implements [lane.Workload].
func (r *Ramp) Failed(wire.Conn, results.Cause, time.Duration) {
	r.open--
	r.tell(r.Finished())
}

// Received implements [lane.Workload].
func (r *Ramp) Received(c wire.Conn, op frame.Opcode, p []byte, now time.Duration) {
	r.common.Received(c, op, p, now)
	r.tell(r.Finished())
}

// Ended implements [lane.Workload].
func (r *Ramp) Ended(c wire.Conn, why results.Cause, now time.Duration) {
	r.common.Ended(c, why, now)
	r.tell(r.Finished())
}

// Finished implements [Stage].
func (r *Ramp) Finished() bool { return r.Dialled() && r.d.Outstanding() == 0 }

// Dialled reports whether every dial has ended; answers to greetings may be missing.
func (r *Ramp) Dialled() bool { return r.next == r.last && r.open == 0 }

// Abort implements [Stage].
func (r *Ramp) Abort(why results.Cause) {
	n := uint64(r.last - r.next)
	r.next = r.last
	r.shard.Dials.Scheduled += n
	r.shard.DropDial(why, n)
	r.tell(r.Finished())
}
