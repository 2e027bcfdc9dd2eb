package lane

import (
	"time"

	"signalbench/loadgen/internal/handshake"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/wire"
)

// pending is a dial or a closing handshake in progress.
type pending struct {
	conn       wire.Conn
	prev, next int32 // in order of begun; 0 ends the list

	begun     time.Duration // the timeout runs from here
	due       time.Duration // dials: the scheduled time
	connected time.Duration // dials: TCP established
	requested time.Duration // dials: request sent; 0: not yet

	try    uint8
	accept handshake.Accept
	shard  *record.Shard // where a dial is counted
	head   []byte        // of a response that has come in part
	seen   int           // of head that was searched for its end
}

// window is a bounded set of pending things, each found by number, in the order
// in which they began. As all of one window have the same timeout, only the
// first can be the next to expire. Number 0 is the list's own end. It takes
// memory for as many as were pending at once so far.
type window struct {
	all     []pending
	free    []int32 // of all
	size    int
	timeout time.Duration
}

func newWindow(size int, timeout time.Duration) window {
	return window{all: make([]pending, 1), size: size, timeout: timeout}
}

func (w *window) full() bool { return w.count() == w.size }

func (w *window) count() int { return len(w.all) - 1 - len(w.free) }

// add puts c at the end of the order. The window must not be full. What is
// returned is valid until the next add.
func (w *window) add(c wire.Conn, now time.Duration) (int32, *pending) {
	if len(w.free) == 0 {
		w.all = append(w.all, pending{})
		w.free = append(w.free, int32(len(w.all)-1))
	}
	i := w.free[len(w.free)-1]
	w.free = w.free[:len(w.free)-1]
	last := w.all[0].prev
	p := &w.all[i]
	*p = pending{conn: c, begun: now, prev: last, head: p.head[:0]}
	w.all[last].next, w.all[0].prev = i, i
	return i, p
}

func (w *window) remove(i int32) {
	p := &w.all[i]
	w.all[p.prev].next, w.all[p.next].prev = p.next, p.prev
	p.shard = nil
	w.free = append(w.free, i)
}

// expired returns the number of the first if its time is over, otherwise 0.
func (w *window) expired(now time.Duration) int32 {
	if i := w.all[0].next; i != 0 && w.all[i].begun+w.timeout <= now {
		return i
	}
	return 0
}

// next is when the first expires.
func (w *window) next() time.Duration {
	if i := w.all[0].next; i != 0 {
		return w.all[i].begun + w.timeout
	}
	return Never
}
