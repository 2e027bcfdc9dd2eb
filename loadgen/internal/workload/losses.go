package workload

import (
	"cmp"
	"math/bits"
	"time"

	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// lose fails everything that is outstanding of s.
func (w *Signal) lose(s *session, why results.Cause, now time.Duration) {
	all := &w.shards.at(s.main).Signal
	fail := func(o *results.Ops, why results.Cause, n int) {
		if n == 0 {
			return
		}
		record.Fail(o, why, uint64(n))
		if why == results.CauseMissing {
			o.Missing += uint64(n)
		}
		s.outstanding -= n
		s.fail(why)
	}
	if s.joining {
		s.joining, w.peers[s.peer].joining = false, false
		fail(&all.Joins, why, 1)
	}
	for k := range s.contacts {
		with := &s.contacts[k]
		for way := range with.wait {
			fail(&all.Relays, cmp.Or(with.lost[way], why), bits.OnesCount32(with.wait[way]))
			with.wait[way] = 0
		}
	}
	fail(&all.Notices, why, s.untold.count())
	clear(s.untold)
	if s.later > 0 { // never due
		s.outstanding -= s.later
		s.later = 0
		s.fail(why)
	}
	w.settle(s, now)
}

// gone deals with the end of c: what it was to receive does not come.
func (w *Signal) gone(c wire.Conn, why results.Cause, now time.Duration) {
	p := &w.peers[c]
	p.joined, p.joining = false, false
	for s := p.open; s != nil; {
		following := s.next
		all := &w.shards.at(s.main).Signal
		if s.joining {
			s.joining = false
			s.outstanding--
			record.Fail(&all.Joins, why, 1)
			s.fail(why)
		}
		for k := range s.contacts {
			s.contacts[k].lost[way(false)] = why
			w.undelivered(s, &s.contacts[k], true, why)
		}
		w.settle(s, now)
		s = following
	}
	w.out(c, why, now)
}

// out deals with a peer that is in its swarm no more: messages of others to it do not
// arrive, and it is told of nobody.
func (w *Signal) out(c wire.Conn, why results.Cause, now time.Duration) {
	first, size, place := w.around(c)
	for joiner := first; joiner < first+size; joiner++ {
		if joiner == c {
			continue
		}
		for s := w.peers[joiner].open; s != nil; {
			following := s.next
			for k := range s.contacts {
				if s.contacts[k].peer == c {
					s.contacts[k].lost[way(true)] = why
					w.undelivered(s, &s.contacts[k], false, why)
				}
			}
			if s.untold.has(place) {
				record.Fail(&w.shards.at(s.main).Signal.Notices, why, 1)
				s.fail(why)
				w.notified(s, place)
			}
			w.settle(s, now)
			s = following
		}
	}
}

// undelivered fails what is on its way to or from a contact.
func (w *Signal) undelivered(s *session, with *contact, back bool, why results.Cause) {
	wait := &with.wait[way(back)]
	if n := bits.OnesCount32(*wait); n > 0 {
		*wait = 0
		s.outstanding -= n
		record.Fail(&w.shards.at(s.main).Signal.Relays, why, uint64(n))
		s.fail(why)
	}
}
