package workload

import (
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// A Closed is a closed loop of echoes: a fixed number of operations is in
// flight, and each answer sends the next one. If there are fewer operations than
// connections they go round all of them.
type Closed struct {
	common
	span   Span
	conns  []wire.Conn // those of this lane
	at     int         // the next in turn
	rotate bool
	idle   int           // operations that should be in flight and are not
	retry  time.Duration // when they are tried again
	over   bool
}

// pause is how long a closed loop waits when no connection takes an operation.
const pause = 10 * time.Millisecond

// NewClosed returns l's part of a closed loop with inFlight operations over all
// lanes. Begin must have been called on d.
func NewClosed(l *lane.Lane, d *Delivery, ring Ring, span Span, inFlight int) *Closed {
	w := &Closed{common: common{l: l, d: d}, span: span, conns: members(l), retry: span.Start}
	if ring.total > 0 {
		w.idle = len(w.conns) * (inFlight / ring.total)
		for k := range w.conns {
			if ring.place(l.Index, k) < inFlight%ring.total {
				w.idle++
			}
		}
	}
	w.rotate = w.idle < len(w.conns)
	return w
}

// Next implements [lane.Workload].
func (w *Closed) Next() time.Duration {
	switch {
	case w.over:
		return lane.Never
	case w.idle > 0 && len(w.conns) > 0:
		return min(w.retry, w.span.End)
	}
	return w.span.End
}

// Fire implements [lane.Workload].
func (w *Closed) Fire(now time.Duration) {
	if now >= w.span.End {
		w.over = true
		w.tell(w.Finished())
		return
	}
	for range min(few, w.idle) {
		now = w.l.Now()
		if !w.send(w.turn(), now) {
			w.retry = now + pause
			return
		}
		w.idle--
	}
}

// turn is the connection that is next in turn, an open one if there is any near.
func (w *Closed) turn() wire.Conn {
	for range w.conns {
		c := w.conns[w.at]
		if w.at++; w.at == len(w.conns) {
			w.at = 0
		}
		if w.l.IsOpen(c) {
			return c
		}
	}
	return w.conns[w.at]
}

func (w *Closed) send(c wire.Conn, now time.Duration) bool {
	if !w.l.IsOpen(c) {
		return false
	}
	waiting := w.d.Waiting(c)
	why := w.d.Send(c, now >= w.span.Main, now, now)
	if !w.l.IsOpen(c) {
		w.idle += waiting // they failed with the connection
	}
	return why == ""
}

// Received implements [lane.Workload].
func (w *Closed) Received(c wire.Conn, op frame.Opcode, p []byte, now time.Duration) {
	if !w.d.Received(c, op, p, now) {
		return
	}
	if w.over || now >= w.span.End {
		w.over = true
		w.tell(w.Finished())
		return
	}
	if w.rotate {
		// Two on one connection would wait for each other while others idle.
		if next := w.turn(); w.d.Waiting(next) == 0 {
			c = next
		}
	}
	if !w.send(c, now) {
		w.idle++
		w.retry = now + pause
	}
}

// Ended implements [lane.Workload]. The operations of a connection that is gone
// go on elsewhere.
func (w *Closed) Ended(c wire.Conn, why results.Cause, now time.Duration) {
	if why == "" {
		why = results.CauseStopped
	}
	w.idle += w.d.Lost(c, why)
	w.retry = now
	w.tell(w.Finished())
}

// Finished implements [Stage].
func (w *Closed) Finished() bool { return w.over && w.d.Outstanding() == 0 }

// Abort implements [Stage].
func (w *Closed) Abort(results.Cause) {
	w.over = true
	w.tell(w.Finished())
}
