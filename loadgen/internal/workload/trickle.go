package workload

import (
	"time"

	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/wire"
)

// later is a message that is not due yet.
type later struct {
	due     time.Duration
	peer    wire.Conn // the joiner
	session uint32
	number  uint32 // of the message, 0 for an offer
	contact int
	back    bool
}

func (l later) when() time.Duration { return l.due }

// follow makes due what a joiner says to a contact, from the reply to its join on, or
// what the contact says back, from the offer on: an offer or an answer, and a step
// behind each other its candidates. The offers to several contacts share out a step:
// a browser makes one after the other.
func (w *Signal) follow(s *session, k int, back bool, at time.Duration) {
	step := w.swarms.Trickle
	if !back {
		at += step * time.Duration(k) / time.Duration(len(s.contacts))
		s.contacts[k].offered = at
	}
	for number := range uint32(1 + w.swarms.Candidates) {
		due := at + time.Duration(number)*step
		if step == 0 || number == 0 && (back || k == 0) {
			w.relay(s, k, back, number, due) // at once
			continue
		}
		w.trickle.add(later{due, s.peer, s.number, number, k, back})
		s.later++
		s.outstanding++
	}
}

// trickles is when the next message is due, Never if there is none.
func (w *Signal) trickles() time.Duration {
	if len(w.trickle) == 0 {
		return lane.Never
	}
	return w.trickle[0].due
}

// pass sends the one that has been due for longest. Its session is open, as it waits
// for it.
func (w *Signal) pass(now time.Duration) {
	d := w.trickle.pop()
	s := w.find(d.peer, d.session)
	s.later--
	s.outstanding--
	w.relay(s, d.contact, d.back, d.number, d.due)
	w.settle(s, now)
}
