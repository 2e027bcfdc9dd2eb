package workload

import (
	"math/rand/v2"
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// Lifetimes says how long connections live in a churn.
type Lifetimes struct {
	Mean time.Duration
	// Fixed gives every connection exactly Mean. Otherwise lifetimes are
	// exponential: how old a connection is says nothing about its end.
	Fixed bool
	Seed  uint64
}

// A Churn closes each connection at the end of its life and dials it again at
// once. A dial is due when the old connection has ended, and belongs to the
// window if that was in the window; a dial that fails is due again after a
// moment, as a new one.
type Churn struct {
	common
	span   Span
	shards Shards
	life   Lifetimes
	random *rand.Rand
	greet  bool
	agenda agenda[planned]
	// waiting holds dials that are due and have no room in the dial window, in
	// order.
	waiting []planned
	dials   int  // in progress
	over    bool // no life ends any more
	aborted bool // no connection is dialled any more
}

// grace is what a life is prolonged by while its greeting is not answered.
const grace = time.Millisecond

// again is how long after a failed dial the next one is due.
const again = 100 * time.Millisecond

// NewChurn returns l's part of a churn, with greet as in [NewRamp]. Begin must have
// been called on d.
func NewChurn(l *lane.Lane, d *Delivery, span Span, shards Shards, life Lifetimes, greet bool) *Churn {
	w := &Churn{
		common: common{l: l, d: d}, span: span, shards: shards, life: life, greet: greet,
		random: rand.New(rand.NewPCG(life.Seed, uint64(l.Index))),
	}
	for _, c := range members(l) {
		// Ages are as if the churn had gone on for ever.
		age := time.Duration(0)
		if life.Fixed {
			age = time.Duration(w.random.Float64() * float64(life.Mean))
		}
		w.agenda.add(planned{at: span.Start + w.lifetime() - age, conn: c})
	}
	return w
}

func (w *Churn) lifetime() time.Duration {
	if w.life.Fixed {
		return w.life.Mean
	}
	return time.Duration(w.random.ExpFloat64() * float64(w.life.Mean))
}

func (w *Churn) main(at time.Duration) bool { return at >= w.span.Main }

// Next implements [lane.Workload].
func (w *Churn) Next() time.Duration {
	switch {
	case len(w.waiting) > 0 && !w.l.Full():
		return 0
	case w.over:
		return lane.Never
	case len(w.agenda) == 0, !w.agenda[0].dial && w.l.ClosesFull():
		// A life that has ended waits for room among the closing handshakes.
		return w.span.End
	}
	return min(w.agenda[0].at, w.span.End)
}

// Fire implements [lane.Workload].
func (w *Churn) Fire(now time.Duration) {
	if now >= w.span.End {
		w.over, w.agenda = true, nil // who is left lives on
	}
	for n := 0; n < few && len(w.waiting) > 0 && !w.l.Full(); n++ {
		next := w.waiting[0]
		if w.waiting = w.waiting[1:]; len(w.waiting) == 0 {
			w.waiting = nil
		}
		w.dials++
		w.l.Dial(next.conn, next.at, w.shards.at(w.main(next.at)))
	}
	for n := 0; n < few && len(w.agenda) > 0 && w.agenda[0].at <= now; n++ {
		next := w.agenda[0]
		if !next.dial && w.l.ClosesFull() {
			break
		}
		w.agenda.pop()
		switch {
		case next.dial:
			w.waiting = append(w.waiting, next)
		case w.d.Waiting(next.conn) > 0:
			next.at = now + grace
			w.agenda.add(next)
		default:
			w.l.Shut(next.conn)
		}
	}
	w.tell(w.Finished())
}

// Opened implements [lane.Workload].
func (w *Churn) Opened(c wire.Conn, due, now time.Duration) {
	w.dials--
	if end := now + w.lifetime(); end < w.span.End && !w.over {
		w.agenda.add(planned{at: end, conn: c})
	}
	if w.greet {
		if why := w.d.Greet(c, w.main(due), now, now); !w.l.IsOpen(c) {
			w.Ended(c, why, now)
		}
	}
	w.tell(w.Finished())
}

// Failed implements [lane.Workload].
func (w *Churn) Failed(c wire.Conn, _ results.Cause, now time.Duration) {
	w.dials--
	if now+again < w.span.End && !w.over {
		w.agenda.add(planned{at: now + again, conn: c, dial: true})
	}
	w.tell(w.Finished())
}

// Ended implements [lane.Workload].
func (w *Churn) Ended(c wire.Conn, why results.Cause, now time.Duration) {
	w.common.Ended(c, why, now)
	if why != "" {
		w.agenda.drop(func(p planned) bool { return p.conn == c })
	}
	if !w.aborted && (why == "" || !w.over) {
		w.waiting = append(w.waiting, planned{at: now, conn: c, dial: true})
	}
	w.tell(w.Finished())
}

// Received implements [lane.Workload].
func (w *Churn) Received(c wire.Conn, op frame.Opcode, p []byte, now time.Duration) {
	w.common.Received(c, op, p, now)
	w.tell(w.Finished())
}

// Finished implements [Stage].
func (w *Churn) Finished() bool {
	return w.over && w.dials == 0 && len(w.waiting) == 0 && w.l.Closing() == 0 && w.d.Outstanding() == 0
}

// Abort implements [Stage].
func (w *Churn) Abort(why results.Cause) {
	for _, p := range w.waiting {
		shard := w.shards.at(w.main(p.at))
		shard.Dials.Scheduled++
		shard.DropDial(why, 1)
	}
	w.waiting, w.agenda, w.over, w.aborted = nil, nil, true, true
	w.tell(w.Finished())
}
