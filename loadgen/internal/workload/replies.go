package workload

import (
	"time"

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
	s.id = append(s.id, w.known.ids[c]...)
	w.offer(s, shard, now)
	w.settle(s, now)
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
