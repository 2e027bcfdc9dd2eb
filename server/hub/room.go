package hub

import (
	"sync"

	"signalbench/server/engine"
	"signalbench/server/phoenix"
)

// A room is the peers of one topic. It is there as long as anybody is in it.
type room struct {
	hub   *Hub
	shard *shard
	topic string
	users int // see acquire; guarded by the shard's lock

	mu       sync.Mutex
	count    int      // members
	speakers [2]int   // of them, those of each version
	chunks   []*chunk // by the upper part of a slot; nil where there is none
	holes    []uint32 // the nils
	queue    queue
	common   branch
	homes    map[engine.Home]*branch // nil as long as there is none
	presence *presence               // nil before the first in presence
}

func newRoom(s *shard, topic string) *room {
	r := &room{hub: s.hub, shard: s, topic: topic}
	r.queue.first = 1
	r.common.room, r.common.number = r, 1
	return r
}

// join makes a peer a member, unless the room is full.
func (r *room) join(m *membership, k *call) bool {
	r.mu.Lock()
	if most := r.hub.cfg.PeersPerRoom; most > 0 && r.count >= most {
		r.mu.Unlock()
		return false
	}
	c := r.branchFor(m.session.conn).vacancy()
	m.slot = c.vacant()
	m.id = r.hub.newID(m.slot)
	m.since = r.queue.last()
	r.count++
	r.speakers[m.session.version-1]++
	wanted := m.is(present)
	if wanted && !r.enlist(m) {
		m.options &^= present
	}
	k.welcome(m, wanted)
	c.put(m)
	r.shard.count.members.Add(1)
	if m.is(present) {
		r.joined(m)
	}
	w := r.wake()
	r.mu.Unlock()
	w.run()
	return true
}

// leave ends a membership. When it returns, nothing more is sent to the member.
func (r *room) leave(m *membership) {
	r.mu.Lock()
	c := r.chunks[m.slot/chunkLen]
	c.take(m.slot)
	b := c.branch
	b.members--
	if c.used == 0 {
		r.drop(c)
	}
	if b.members == 0 && b.home != nil {
		r.retire(b)
	}
	r.count--
	r.speakers[m.session.version-1]--
	r.shard.count.members.Add(-1)
	if m.is(present) {
		r.left(m)
	}
	w := r.wake()
	r.mu.Unlock()
	w.run()
}

// peer returns the connection of a member and what it speaks.
func (r *room) peer(id uint64) (engine.Conn, phoenix.Version, bool) {
	slot := r.hub.slot(id)
	r.mu.Lock()
	defer r.mu.Unlock()
	if int(slot/chunkLen) >= len(r.chunks) {
		return nil, 0, false
	}
	c := r.chunks[slot/chunkLen]
	if c == nil || c.used&(1<<(slot%chunkLen)) == 0 {
		return nil, 0, false
	}
	m := c.members[slot%chunkLen]
	if m.id != id {
		return nil, 0, false
	}
	return m.session.conn, m.session.version, true
}
