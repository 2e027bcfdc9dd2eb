package netpoll

import "sync"

// chunkLen makes a chunk with its 8 B of allocator header 12,288 B, a size class.
const chunkLen = 1023

// A table finds connections by descriptor: 12 B for each, dense, so that a sweep
// over a million idle connections reads 4 MB and touches none of them. It grows
// by chunks, which never move and leave no garbage.
type table struct {
	*census
	mu     sync.Mutex
	chunks []*chunk
}

type chunk struct {
	conns [chunkLen]*conn
	due   [chunkLen]uint32 // the tick at which a connection is to be looked at
}

// slot is where fd lies; nil before add.
func (t *table) slot(fd int32) (*chunk, int) {
	if i := int(fd / chunkLen); i < len(t.chunks) {
		return t.chunks[i], int(fd % chunkLen)
	}
	return nil, 0
}

// add enters c, to be looked at when due, unless the census does not let it in.
func (t *table) add(c *conn, due uint32, limit int) bool {
	if !t.enter(c, limit) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for int(c.fd/chunkLen) >= len(t.chunks) {
		t.chunks = append(t.chunks, new(chunk))
	}
	k, i := t.slot(c.fd)
	k.conns[i], k.due[i] = c, due
	return true
}

// remove takes c out. It comes before the descriptor is closed, and so given to
// another.
func (t *table) remove(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k, i := t.slot(c.fd); k != nil && k.conns[i] == c {
		k.conns[i] = nil
	}
}

// hurry sees to it that c is looked at no later than due. c.mu is held.
func (t *table) hurry(c *conn, due uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k, i := t.slot(c.fd); k != nil && k.conns[i] == c && int32(due-k.due[i]) < 0 {
		k.due[i] = due
	}
}

// postpone sets when c is looked at next. c.mu is held.
func (t *table) postpone(c *conn, due uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k, i := t.slot(c.fd); k != nil && k.conns[i] == c {
		k.due[i] = due
	}
}

// due appends the connections of chunk n that are to be looked at, and returns
// false behind the last chunk.
func (t *table) due(n int, now uint32, list []*conn) ([]*conn, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n >= len(t.chunks) {
		return list, false
	}
	k := t.chunks[n]
	for i, due := range &k.due {
		if int32(due-now) <= 0 && k.conns[i] != nil {
			list = append(list, k.conns[i])
		}
	}
	return list, true
}

// each calls f for every connection of this moment, without the lock.
func (t *table) each(f func(*conn)) {
	var list []*conn
	for n := 0; ; n++ {
		t.mu.Lock()
		if n >= len(t.chunks) {
			t.mu.Unlock()
			break
		}
		for _, c := range &t.chunks[n].conns {
			if c != nil {
				list = append(list, c)
			}
		}
		t.mu.Unlock()
		for _, c := range list {
			f(c)
		}
		clear(list)
		list = list[:0]
	}
}
