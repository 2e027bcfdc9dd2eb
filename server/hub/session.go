package hub

import (
	"signalbench/server/engine"
	"signalbench/server/phoenix"
)

// A session is a connection's state: 112 B, a size class of the allocator, with
// its first membership. Only the handler's calls for the connection, which never
// overlap, touch what can change in it.
type session struct {
	conn      engine.Conn
	admission Admission   // may be nil
	list      *membership // of all rooms that it is in
	version   phoenix.Version
	rooms     uint16 // in the list
	first     membership
}

// A membership is one peer: a session in a room. It does not change while the
// room has it, but for stale.
type membership struct {
	session *session
	room    *room // nil if this is the session's first and not in use
	next    *membership
	// own is the join_ref and behind it what the peer's presence entry has besides
	// its phx_ref, as JSON members with a comma in front of each.
	own     string
	id      uint64
	since   uint64 // the room's last note before the join
	slot    uint32 // its place in the room
	refLen  uint8  // of the join_ref in own
	options options
	stale   bool // lost presence; guarded by the chunk's lock
}

// options are bits.
type options uint8

const (
	present   options = 1 << iota // takes part in presence
	everyone                      // gets its own broadcasts
	quiet                         // no reply to what succeeds
	hasRef                        // the join_ref was not null
	numberRef                     // and a JSON number
)

func (m *membership) is(o options) bool { return m.options&o != 0 }

// entry is the rest of own.
func (m *membership) entry() string { return m.own[m.refLen:] }

// outdated reports whether a message with that join_ref is for an earlier join of
// the same topic. One without, as version 1 allows, is for the current one.
func (m *membership) outdated(joinRef []byte) bool {
	return joinRef != nil && m.is(hasRef) && string(joinRef) != m.own[:m.refLen]
}

// find returns the membership of a topic, nil if there is none.
func (s *session) find(topic []byte) *membership {
	for m := s.list; m != nil; m = m.next {
		if m.room.topic == string(topic) {
			return m
		}
	}
	return nil
}

// add returns a membership that is not in any room yet and not in the list.
func (s *session) add() *membership {
	if s.first.room == nil {
		return &s.first
	}
	return new(membership)
}

// part takes m out of its room and the list.
func (s *session) part(m *membership) {
	r := m.room
	r.leave(m)
	for at := &s.list; ; at = &(*at).next {
		if *at == m {
			*at = m.next
			break
		}
	}
	s.rooms--
	*m = membership{}
	r.shard.release(r)
}

// roomTopic reports whether topic names a room.
func (h *Hub) roomTopic(topic []byte) bool {
	prefix := h.cfg.TopicPrefix
	return len(topic) > len(prefix) && string(topic[:len(prefix)]) == prefix
}
