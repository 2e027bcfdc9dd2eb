package workload

import (
	"time"

	"signalbench/loadgen/internal/wire"
)

// A wait is a shake or a grab whose answer is missing.
type wait struct {
	due, sent time.Duration
	id        uint32 // of the gift that is grabbed
	grab      bool
	main      bool  // it belongs to the window
	next      int32 // of the same connection, or free
}

// awaited is what the connections of a lane wait for, in the order in which each has
// sent it. It costs 4 B for each connection and 32 B for each answer that is missing.
type awaited struct {
	first []int32 // of each connection; none if it waits for nothing
	slots []wait
	free  int32
	n     int
}

const none = int32(-1)

// waitLimit is for how many answers one connection may wait: what is due then is
// dropped.
const waitLimit = 64

func newAwaited(conns int) awaited {
	a := awaited{first: make([]int32, conns), free: none}
	for i := range a.first {
		a.first[i] = none
	}
	return a
}

// add puts w behind what c waits for, and reports whether there was room.
func (a *awaited) add(c wire.Conn, w wait) bool {
	at := &a.first[c]
	for range waitLimit {
		if *at != none {
			at = &a.slots[*at].next
			continue
		}
		w.next = none
		i := a.free
		if i == none {
			i = int32(len(a.slots))
			*at = i // before append, which may move what at points into
			a.slots = append(a.slots, w)
		} else {
			a.free = a.slots[i].next
			*at, a.slots[i] = i, w
		}
		a.n++
		return true
	}
	return false
}

// take removes the first that c waits for and that is wanted.
func (a *awaited) take(c wire.Conn, wanted func(*wait) bool) (wait, bool) {
	for at := &a.first[c]; *at != none; at = &a.slots[*at].next {
		i := *at
		if w := a.slots[i]; wanted(&w) {
			*at = w.next
			a.slots[i].next, a.free = a.free, i
			a.n--
			return w, true
		}
	}
	return wait{}, false
}

// shake is the first shake that c waits for, grab that of a gift, and any whatever
// comes first.
func (a *awaited) shake(c wire.Conn) (wait, bool) {
	return a.take(c, func(w *wait) bool { return !w.grab })
}

func (a *awaited) grab(c wire.Conn, id uint32) (wait, bool) {
	return a.take(c, func(w *wait) bool { return w.grab && w.id == id })
}

func (a *awaited) any(c wire.Conn) (wait, bool) {
	return a.take(c, func(*wait) bool { return true })
}

// last removes what was added to c last.
func (a *awaited) last(c wire.Conn) {
	a.take(c, func(w *wait) bool { return w.next == none })
}
