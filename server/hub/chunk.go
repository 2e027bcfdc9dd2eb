package hub

import (
	"math/bits"
	"sync"

	"signalbench/server/engine"
)

const chunkLen = 64

// A chunk is up to 64 members of a branch. What is in it is written with the
// locks of the room and the chunk held, so one of them is enough to read it.
type chunk struct {
	mu      sync.Mutex
	used    uint64 // a bit for each member
	members []*membership
	branch  *branch
	at      int    // its place in the branch
	number  uint32 // its place in the room
}

// vacant is the first slot without a member.
func (c *chunk) vacant() uint32 {
	return c.number*chunkLen + uint32(bits.TrailingZeros64(^c.used))
}

// put makes m the member of its slot. The room's lock is held.
func (c *chunk) put(m *membership) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := m.slot % chunkLen
	if int(i) == len(c.members) {
		c.members = append(c.members, m)
	} else {
		c.members[i] = m
	}
	c.used |= 1 << i
	c.branch.members++
}

// take removes the member of a slot. The room's lock is held.
func (c *chunk) take(slot uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slot % chunkLen
	c.members[i] = nil
	c.used &^= 1 << i
	c.branch.space = min(c.branch.space, c.at)
}

// vacancy returns a chunk of b with a vacant slot. The room's lock is held.
func (b *branch) vacancy() *chunk {
	for b.space < len(b.chunks) {
		switch c := b.chunks[b.space]; {
		case c == nil:
			return b.grow()
		case ^c.used != 0:
			return c
		}
		b.space++
	}
	b.chunks = append(b.chunks, nil)
	return b.grow()
}

// grow makes a chunk where b.space is.
func (b *branch) grow() *chunk {
	r := b.room
	c := &chunk{branch: b, at: b.space}
	b.chunks[b.space] = c
	if n := len(r.holes); n > 0 {
		c.number = r.holes[n-1]
		r.holes = r.holes[:n-1]
		r.chunks[c.number] = c
	} else {
		c.number = uint32(len(r.chunks))
		r.chunks = append(r.chunks, c)
	}
	return c
}

// drop forgets an empty chunk. The others of its branch stay in their places, as
// somebody may be delivering along them. The room's lock is held.
func (r *room) drop(c *chunk) {
	b := c.branch
	b.chunks[c.at] = nil
	r.chunks[c.number] = nil
	r.holes = append(r.holes, c.number)
	for n := len(b.chunks); n > 0 && b.chunks[n-1] == nil; n-- {
		b.chunks = b.chunks[:n-1]
	}
}

// deliver sends a note to the members that it is for, and says how many got it
// and how many have no room for it.
func (c *chunk) deliver(n *note, number uint64) (sent, slow int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for used := c.used; used != 0; used &= used - 1 {
		m := c.members[bits.TrailingZeros64(used)]
		p := n.frames[m.session.version-1]
		if p == nil || m.since >= number || m == n.except || !n.to(m) {
			continue
		}
		switch m.session.conn.SendPrepared(p) {
		case nil:
			sent++
			m.stale = m.stale && n.kind != forStale
		case engine.ErrSlow:
			slow++
			m.stale = n.kind != forAll || m.stale
		}
	}
	return sent, slow
}
