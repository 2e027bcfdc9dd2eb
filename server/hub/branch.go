package hub

import "signalbench/server/engine"

const (
	// partLen is how many members are sent to before others get their turn.
	partLen = 256
	// hereMembers and hereBytes bound what a publisher delivers in its own call: to
	// how many, and how much to all of them together.
	hereMembers = chunkLen
	hereBytes   = 256 << 10
	// hereLen is how many members it sends to, its own message and what others
	// publish meanwhile, before it leaves the rest to the crew.
	hereLen = 2 * hereMembers
	// manyHomes is how many event loops a publisher asks itself.
	manyHomes = 4
)

// A branch is the members of a room that are sent to in one place, one at a time:
// those of one home, or of none in particular. Its fields are guarded by the
// room's lock.
type branch struct {
	room    *room
	home    engine.Home // nil of the common branch
	job     func()      // a turn on the home
	chunks  []*chunk    // nil where there is none
	space   int         // no chunk before it has a vacant slot
	members int
	number  uint64 // of the note that is being delivered, or the next
	at      int    // the chunk that is next
	busy    bool   // somebody is delivering or will be
	retired bool
}

// branchFor returns the branch that a connection belongs to. The room's lock is
// held.
func (r *room) branchFor(c engine.Conn) *branch {
	home := c.Home()
	if home == nil || r.common.members < hereMembers {
		return &r.common
	}
	b := r.homes[home]
	if b == nil {
		b = &branch{room: r, home: home, number: r.queue.last() + 1}
		b.job = b.turn
		if r.homes == nil {
			r.homes = make(map[engine.Home]*branch)
		}
		r.homes[home] = b
	}
	return b
}

// retire ends a branch without members, or whose home is gone: what it has not
// delivered it never will. The room's lock is held.
func (r *room) retire(b *branch) {
	if b.retired {
		return
	}
	b.retired = true
	delete(r.homes, b.home)
	for ; b.number <= r.queue.last(); b.number++ {
		r.queue.at(b.number).left--
	}
	r.queue.trim()
}

// next returns what b delivers next, or nil if that is nothing: it is not busy
// then.
func (b *branch) next() (c *chunk, n *note, number uint64) {
	r := b.room
	r.mu.Lock()
	defer r.mu.Unlock()
	for !b.retired && b.number <= r.queue.last() {
		n = r.queue.at(b.number)
		for b.at < len(b.chunks) {
			c = b.chunks[b.at]
			b.at++
			if c != nil {
				return c, n, b.number
			}
		}
		b.at = 0
		b.number++
		n.left--
		r.queue.trim()
	}
	b.busy = false
	return nil, nil, 0
}

// step delivers to one chunk and says how many members were in question; 0 when
// nothing is left to do.
func (b *branch) step() int {
	c, n, number := b.next()
	if c == nil {
		return 0
	}
	sent, slow := c.deliver(n, number)
	count := &b.room.shard.count
	count.deliveries.Add(uint64(sent))
	if slow > 0 {
		count.slow.Add(uint64(slow))
		if n.kind != forAll {
			b.room.mu.Lock()
			b.room.missed()
			b.room.mu.Unlock()
		}
	}
	return max(1, sent+slow)
}

// part implements task: it delivers for one turn and reports whether there is more.
func (b *branch) part() bool {
	for left := partLen; left > 0; {
		n := b.step()
		if n == 0 {
			return false
		}
		left -= n
	}
	return true
}

// turn is a part on the home's thread.
func (b *branch) turn() {
	if b.part() {
		b.post()
	}
}

// post asks the home for a turn.
func (b *branch) post() {
	if !b.home.Do(b.job) {
		b.room.mu.Lock()
		defer b.room.mu.Unlock()
		b.room.retire(b)
	}
}

// A wake is what is to be done without the room's lock after something was queued.
type wake struct {
	room   *room
	common bool
	here   bool // in this call
	homes  posting
}

// wake finds the branches that rest and have something to deliver, which are busy
// from now on. The room's lock is held.
func (r *room) wake() wake {
	w := wake{room: r}
	if len(r.queue.notes) == 0 {
		return w
	}
	last := r.queue.last()
	if !r.common.busy && r.common.number <= last {
		r.common.busy, w.common = true, true
		n := r.queue.at(last)
		w.here = len(r.homes) == 0 && r.count <= hereMembers && r.count*n.size <= hereBytes
	}
	for _, b := range r.homes {
		if !b.busy && b.number <= last {
			b.busy = true
			w.homes = append(w.homes, b)
		}
	}
	return w
}

func (w *wake) run() {
	switch crew := &w.room.hub.crew; {
	case len(w.homes) > manyHomes:
		crew.submit(w.homes)
	default:
		w.homes.part()
	}
	if !w.common {
		return
	}
	if w.here {
		for left := hereLen; left > 0; {
			n := w.room.common.step()
			if n == 0 {
				return
			}
			left -= n
		}
	}
	w.room.hub.crew.submit(&w.room.common)
}

// A posting is a task that asks homes for turns.
type posting []*branch

func (p posting) part() bool {
	for _, b := range p {
		b.post()
	}
	return false
}
