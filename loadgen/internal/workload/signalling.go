package workload

import (
	"cmp"
	"math/bits"
	"time"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
	"signalbench/server/phoenix"
)

// reply takes a reply that c received: to a join, or an error to a relay.
func (w *Signal) reply(c wire.Conn, op frame.Opcode, p []byte, m *phoenix.Message, now time.Duration) {
	if m.Ref == nil { // to a leave
		w.d.main.Aside++
		return
	}
	n := w.l.Global(c)
	s, verdict := w.client.Stamp(m.Ref, n)
	switch {
	case verdict == stamp.Intact && s.Seq&joinBit != 0:
		w.joined(c, s, m, len(p), now)
		return
	case verdict == stamp.Intact:
		w.d.Received(c, op, p, now) // of an earlier load
		return
	}
	if s, verdict = w.stamps.Read(m.Ref, n); verdict == stamp.Intact {
		w.rejected(c, s, m, now)
		return
	}
	w.unreadable(c, len(p), now)
}

// joined takes the reply to a join.
func (w *Signal) joined(c wire.Conn, st stamp.Stamp, m *phoenix.Message, size int, now time.Duration) {
	number := st.Seq &^ joinBit
	s := w.find(c, number)
	if s == nil || !s.joining {
		if w.past(c, number) {
			w.shards.at(s == nil || s.main).Signal.Joins.Duplicate++
		} else {
			w.d.main.Stale++
		}
		return
	}
	shard := w.shards.at(s.main)
	joins := &shard.Signal.Joins
	joins.BytesReceived += uint64(size)
	s.joining = false
	s.outstanding--
	p := &w.peers[c]
	p.joining = false
	status, response, err := m.Reply()
	why := results.Cause("")
	switch {
	case err != nil || string(m.Topic) != string(w.client.Topic(st.Conn)):
		why = results.CauseCorrupt
		joins.Corrupt++
	case string(status) != phoenix.OK || !w.known.Joined(c, response):
		why = results.CauseJoin
	}
	if why != "" {
		record.Fail(joins, why, 1)
		s.fail(why)
		w.settle(s, now)
		w.l.Drop(c, why) // the rest of the run is for members
		return
	}
	joins.Completed++
	shard.Time(record.Join, now-st.Due)
	p.joined = true
	s.replied = now
	s.id = append(s.id, w.known.ids[c]...)
	w.offer(s, shard, now)
	w.settle(s, now)
}

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
		w.relay(s, k, false, 0, now)
	}
	for k := range s.contacts {
		for i := range uint32(w.swarms.Candidates) {
			w.relay(s, k, false, 1+i, now)
		}
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
		shard.Time(record.Answer, now-s.replied)
	default:
		for j := range uint32(1 + w.swarms.Candidates) {
			w.relay(s, k, true, j, now)
		}
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

// present takes what c is told of who is there.
func (w *Signal) present(c wire.Conn, m *phoenix.Message, now time.Duration) {
	diff := string(m.Event) == phoenix.PresenceDiff
	_, _, place := w.around(c)
	for metas := channel.Present(m); ; {
		raw, ok := metas.Next()
		if !ok {
			return
		}
		st, verdict := w.openText(raw)
		if verdict != stamp.Intact {
			if len(w.text) == stamp.HeaderSize { // one of ours once
				w.misread(c, now)
			}
			continue
		}
		joiner, near := w.local(st.Conn, c)
		if !near || joiner == c {
			continue
		}
		s := w.find(joiner, st.Seq>>sessionShift)
		if s == nil {
			continue // told long ago, or of an earlier load
		}
		shard := w.shards.at(s.main)
		if diff && s.told.has(place) {
			shard.Signal.Notices.Duplicate++
		}
		if diff {
			s.told.add(place)
		}
		if !s.untold.has(place) {
			continue
		}
		shard.Signal.Notices.Completed++
		w.notified(s, place)
		if s.untold.count() == 0 && s.failed == "" {
			shard.Signal.Told++
			shard.Time(record.Presence, now-s.due)
		}
		w.settle(s, now)
	}
}

// notified takes one notice from what is outstanding of s.
func (w *Signal) notified(s *session, place uint32) {
	s.untold.remove(place)
	s.outstanding--
}

// rejected takes the reply to a message of c that asked for none but an error.
func (w *Signal) rejected(c wire.Conn, st stamp.Stamp, m *phoenix.Message, now time.Duration) {
	status, response, err := m.Reply()
	if err == nil && string(status) == phoenix.OK {
		w.d.main.Aside++
		return
	}
	why := results.CauseRejected
	if raw, _, err := phoenix.Member(response, "reason"); err == nil && string(raw) == `"unknown peer"` {
		why = results.CauseAbsent
	}
	number, k, back, i := splitSeq(st.Seq)
	first, size, _ := w.around(c)
	for joiner := first; joiner < first+size; joiner++ {
		s := w.find(joiner, number)
		if s == nil || k >= len(s.contacts) || !back && joiner != c || back && s.contacts[k].peer != c {
			continue
		}
		if wait := &s.contacts[k].wait[way(back)]; *wait>>i&1 == 1 {
			*wait &^= 1 << i
			s.outstanding--
			record.Fail(&w.shards.at(s.main).Signal.Relays, why, 1)
			s.fail(why)
			w.settle(s, now)
			return
		}
	}
	w.d.main.Unexpected++
}

// unreadable takes a message that cannot be told: it stands for the reply to c's join
// if that is outstanding, otherwise for a relay.
func (w *Signal) unreadable(c wire.Conn, size int, now time.Duration) {
	s := w.peers[c].open
	if !w.peers[c].joining || s == nil {
		w.damaged(c, size, now)
		return
	}
	joins := &w.shards.at(s.main).Signal.Joins
	joins.Corrupt++
	record.Fail(joins, results.CauseCorrupt, 1)
	s.joining, w.peers[c].joining = false, false
	s.outstanding--
	s.fail(results.CauseCorrupt)
	w.settle(s, now)
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

// misread takes a notice that cannot be told: it stands for the oldest that c waits
// for, if it waits for one.
func (w *Signal) misread(c wire.Conn, now time.Duration) {
	var oldest *session
	first, size, place := w.around(c)
	for joiner := first; joiner < first+size; joiner++ {
		for s := w.peers[joiner].open; s != nil; s = s.next {
			if s.untold.has(place) && (oldest == nil || s.due < oldest.due) {
				oldest = s
			}
		}
	}
	if oldest == nil {
		return
	}
	notices := &w.shards.at(oldest.main).Signal.Notices
	notices.Corrupt++
	record.Fail(notices, results.CauseCorrupt, 1)
	oldest.fail(results.CauseCorrupt)
	w.notified(oldest, place)
	w.settle(oldest, now)
}

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
