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
// first can be the next to expire. Number 0 is the list's own end.
type window struct {
	all     []pending
	free    []int32
	timeout time.Duration
}

func newWindow(size int, timeout time.Duration) window {
	w := window{all: make([]pending, size+1), free: make([]int32, size), timeout: timeout}
	for i := range w.free {
		w.free[i] = int32(size - i)
	}
	return w
}

func (w *window) full() bool { return len(w.free) == 0 }

func (w *window) count() int { return len(w.all) - 1 - len(w.free) }

// add puts c at the end of the order. The window must not be full.
func (w *window) add(c wire.Conn, now time.Duration) (int32, *pending) {
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
