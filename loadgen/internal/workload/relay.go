package workload

import (
	"math/bits"
	"time"

	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
	"signalbench/server/phoenix"
)

// offer sends an offer and candidates to each contact.
func (w *Signal) offer(s *session, shard *record.Shard, now time.Duration) {
	first, size, place := w.around(s.peer)
	wanted := min(w.swarms.Contacts, int(size)-1)
	for i := uint32(1); i < size && len(s.contacts) < wanted; i++ {
		c := first + (place+size-i)%size
		if !w.peers[c].joined || len(w.known.ids[c]) == 0 {
			continue
		}
		// Contacts keep their memory from session to session.
		k := len(s.contacts)
		if k < cap(s.contacts) {
			s.contacts = s.contacts[:k+1]
		} else {
			s.contacts = append(s.contacts, contact{})
		}
		s.contacts[k] = contact{peer: c, session: w.known.sessions[c], id: append(s.contacts[k].id[:0], w.known.ids[c]...)}
	}
	for k := range s.contacts {
		w.follow(s, k, false, now)
	}
	if missing := wanted - len(s.contacts); missing > 0 {
		shard.Signal.Relays.Scheduled += uint64(missing)
		record.Drop(&shard.Signal.Relays, results.CauseAbsent, uint64(missing))
		s.fail(results.CauseAbsent)
	}
}

// relay sends one message of s to or from a contact, which was due when what made it
// due was received.
func (w *Signal) relay(s *session, k int, back bool, number uint32, due time.Duration) {
	shard := w.shards.at(s.main)
	relays := &shard.Signal.Relays
	relays.Scheduled++
	c := &s.contacts[k]
	from, to := s.peer, c.id
	if back {
		from, to = c.peer, s.id
	}
	n := w.l.Global(from)
	seq := relaySeq(s.number, k, back, number)
	head, _ := w.stamps.Parts(&w.head, stamp.Stamp{Conn: n, Seq: seq, Due: due, Sent: w.l.Now()})
	what := kindOf(back, number)
	w.payload = w.texts.append(w.payload[:0], what, to, head, seq)
	op, b := w.client.Push(n, head, w.texts[what].event, w.payload)
	if why := w.l.Send(from, op, b, nil); why != "" {
		record.Drop(relays, why, 1)
		s.fail(why)
		return
	}
	relays.BytesSent += uint64(len(b))
	shard.Ops.BytesSent += uint64(len(b))
	c.wait[way(back)] |= 1 << number
	s.outstanding++
}

// relayed takes a message that another peer has sent to c.
func (w *Signal) relayed(c wire.Conn, m *phoenix.Message, size int, now time.Duration) {
	what := w.texts.kind(m.Event)
	if what == kinds {
		w.d.main.Aside++
		return
	}
	st, verdict := w.openStamp(m.Payload, "stamp")
	if verdict == stamp.BadHeader {
		w.damaged(c, size, now)
		return
	}
	number, k, back, i := splitSeq(st.Seq)
	joiner := c
	if !back {
		var near bool
		if joiner, near = w.local(st.Conn, c); !near {
			w.d.main.Unexpected++
			return
		}
	}
	s := w.find(joiner, number)
	switch {
	case s == nil && w.past(joiner, number):
		w.shards.at(true).Signal.Relays.Duplicate++
		return
	case s == nil && number > 0 && number <= w.peers[joiner].base:
		w.d.main.Stale++
		return
	case s == nil, k >= len(s.contacts), !back && s.contacts[k].peer != c, back && w.l.Global(s.contacts[k].peer) != st.Conn:
		w.d.main.Unexpected++ // intact, and not for c
		return
	}
	with := &s.contacts[k]
	shard := w.shards.at(s.main)
	relays := &shard.Signal.Relays
	wait, got, bit := &with.wait[way(back)], &with.got[way(back)], uint32(1)<<i
	switch {
	case *got&bit != 0:
		relays.Duplicate++
		return
	case *wait&bit == 0:
		w.d.main.Unexpected++
		return
	}
	if *got > bit {
		relays.Reordered++
	}
	*wait &^= bit
	*got |= bit
	s.outstanding--
	relays.BytesReceived += uint64(size)
	shard.Ops.BytesReceived += uint64(size)
	if what != kindOf(back, i) || !w.texts.intact(what, m.Payload, st.Seq) || !w.fromSender(s, with, back, m.Payload) {
		relays.Corrupt++
		record.Fail(relays, results.CauseCorrupt, 1)
		s.fail(results.CauseCorrupt)
		w.settle(s, now)
		return
	}
	relays.Completed++
	shard.Time(record.Relay, now-st.Due)
	switch {
	case i > 0:
	case back:
		shard.Signal.Answers++
		shard.Time(record.Answer, now-with.offered)
	default:
		w.follow(s, k, true, now)
	}
	w.settle(s, now)
}

// fromSender reports whether the server names the right sender. A contact that has
// joined again since has another name by now, which may not be known yet.
func (w *Signal) fromSender(s *session, with *contact, back bool, payload []byte) bool {
	id := s.id
	if back {
		if id = with.id; w.known.sessions[with.peer] != with.session {
			return true
		}
	}
	raw, _, err := phoenix.Member(payload, "from")
	if err != nil || len(raw) < 2 {
		return false
	}
	if string(raw[1:len(raw)-1]) == string(id) {
		return true
	}
	from, ok := phoenix.AppendUnquoted(w.text[:0], raw)
	w.text = from
	return ok && string(from) == string(id)
}

// openStamp reads the stamp that is a member of an object.
func (w *Signal) openStamp(object []byte, member string) (stamp.Stamp, stamp.Verdict) {
	raw, _, err := phoenix.Member(object, member)
	if err != nil {
		return stamp.Stamp{}, stamp.BadHeader
	}
	return w.openText(raw)
}

// openText reads a stamp as a JSON string.
func (w *Signal) openText(raw []byte) (stamp.Stamp, stamp.Verdict) {
	w.text, _ = phoenix.AppendUnquoted(w.text[:0], raw)
	return w.stamps.ReadAny(w.text)
}

// damaged takes a relay that cannot be told: it stands for the oldest that c waits
// for.
func (w *Signal) damaged(c wire.Conn, size int, now time.Duration) {
	var oldest *session
	var wait, got *uint32
	first, count, _ := w.around(c)
	for joiner := first; joiner < first+count; joiner++ {
		for s := w.peers[joiner].open; s != nil; s = s.next {
			for k := range s.contacts {
				with := &s.contacts[k]
				back := joiner == c
				if !back && with.peer != c || with.wait[way(back)] == 0 || oldest != nil && oldest.due <= s.due {
					continue
				}
				oldest, wait, got = s, &with.wait[way(back)], &with.got[way(back)]
			}
		}
	}
	if oldest == nil {
		w.d.main.Unexpected++
		return
	}
	bit := uint32(1) << bits.TrailingZeros32(*wait)
	*wait &^= bit
	*got |= bit
	oldest.outstanding--
	relays := &w.shards.at(oldest.main).Signal.Relays
	relays.BytesReceived += uint64(size)
	relays.Corrupt++
	record.Fail(relays, results.CauseCorrupt, 1)
	oldest.fail(results.CauseCorrupt)
	w.settle(oldest, now)
}
