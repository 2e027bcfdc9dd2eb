package workload

import (
	"time"

	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// A Teardown ends all connections in good order, at the pace of a schedule and
// with a bounded number of closing handshakes at once. It measures nothing, so
// what is late is not caught up with: the pace is one that the machine can take.
type Teardown struct {
	common
	schedule pace.Schedule
	start    time.Duration
	brake    *Brake
	next     wire.Conn
	n        uint64
}

// late is by how much a closing handshake may be late before all that follow are
// moved by as much.
const late = 20 * time.Millisecond

// NewTeardown returns l's part; schedule is that of this lane alone. brake may be
// nil.
func NewTeardown(l *lane.Lane, d *Delivery, schedule pace.Schedule, start time.Duration, brake *Brake) *Teardown {
	return &Teardown{common: common{l: l, d: d}, schedule: schedule, start: start, brake: brake}
}

// due is when the next closing handshake is due.
func (t *Teardown) due() time.Duration {
	due, _ := t.schedule.Due(t.n)
	return t.start + t.brake.Held() + due
}

// Next implements [lane.Workload].
func (t *Teardown) Next() time.Duration {
	if int(t.next) == t.l.Conns || t.l.ClosesFull() {
		return lane.Never
	}
	return t.due()
}

// Fire implements [lane.Workload].
func (t *Teardown) Fire(now time.Duration) {
	for shut := 0; shut < few && int(t.next) < t.l.Conns; {
		if !t.l.IsOpen(t.next) {
			t.next++
			continue
		}
		due := t.due()
		if due > now || !t.l.Shut(t.next) {
			break
		}
		if now-due > late {
			t.start += now - due
		}
		t.next++
		t.n++
		shut++
	}
	t.tell(t.Finished())
}

// Ended implements [lane.Workload].
func (t *Teardown) Ended(c wire.Conn, why results.Cause, now time.Duration) {
	t.common.Ended(c, why, now)
	t.tell(t.Finished())
}

// Finished implements [Stage].
func (t *Teardown) Finished() bool {
	return t.l.Open() == 0 && t.l.Closing() == 0 && t.l.Dialing() == 0
}

// Abort implements [Stage]: what is left is reset when the lane ends.
func (t *Teardown) Abort(results.Cause) {
	t.next = wire.Conn(t.l.Conns)
	t.tell(true)
}
