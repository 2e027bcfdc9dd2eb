package workload

import (
	"time"

	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/wire"
)

// later is a candidate that is not due yet.
type later struct {
	due     time.Duration
	peer    wire.Conn // the joiner
	session uint32
	contact uint8
	back    bool
}

// A trickle holds candidates until they are due. Each number of candidate has a queue
// of its own: as all of one number are due equally long after what made them due, a
// queue is in order by itself.
type trickle struct {
	queues [][]later // by the candidate's number, from 1 on
	heads  []int
}

func newTrickle(candidates int) trickle {
	return trickle{queues: make([][]later, candidates), heads: make([]int, candidates)}
}

// add puts a candidate behind the others of its number.
func (t *trickle) add(number uint32, d later) {
	q := &t.queues[number-1]
	if h := &t.heads[number-1]; *h > 0 && len(*q) == cap(*q) {
		*q = (*q)[:copy(*q, (*q)[*h:])]
		*h = 0
	}
	*q = append(*q, d)
}

// first is the queue whose head is due first, -1 if all are empty.
func (t *trickle) first() int {
	best := -1
	for i, q := range t.queues {
		if t.heads[i] < len(q) && (best < 0 || q[t.heads[i]].due < t.queues[best][t.heads[best]].due) {
			best = i
		}
	}
	return best
}

// next is when the next candidate is due, Never if there is none.
func (t *trickle) next() time.Duration {
	if i := t.first(); i >= 0 {
		return t.queues[i][t.heads[i]].due
	}
	return lane.Never
}

// due is a candidate that is due.
type due struct {
	later
	number uint32
}

// take removes the candidate that has been due for longest, if any is due at now.
func (t *trickle) take(now time.Duration) (due, bool) {
	i := t.first()
	if i < 0 || t.queues[i][t.heads[i]].due > now {
		return due{}, false
	}
	d := due{t.queues[i][t.heads[i]], uint32(i + 1)}
	if t.heads[i]++; t.heads[i] == len(t.queues[i]) {
		t.queues[i], t.heads[i] = t.queues[i][:0], 0
	}
	return d, true
}

// trickleOf has the candidates of s to or from a contact follow what was due at at.
func (w *Signal) trickleOf(s *session, k int, back bool, at time.Duration) {
	for i := range uint32(w.swarms.Candidates) {
		number := 1 + i
		if w.swarms.Trickle == 0 {
			w.relay(s, k, back, number, at)
			continue
		}
		w.trickle.add(number, later{at + time.Duration(number)*w.swarms.Trickle, s.peer, s.number, uint8(k), back})
		s.later++
		s.outstanding++
	}
}

// candidate sends one that is due, unless its session was given up meanwhile.
func (w *Signal) candidate(d due, now time.Duration) {
	s := w.find(d.peer, d.session)
	if s == nil || s.later == 0 {
		return
	}
	s.later--
	s.outstanding--
	w.relay(s, int(d.contact), d.back, d.number, d.due)
	w.settle(s, now)
}
