package workload

import (
	"time"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
	"signalbench/server/phoenix"
)

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
