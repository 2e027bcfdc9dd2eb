package channel

import (
	"context"
	"sync"
	"time"

	"signalbench/server/engine"
	"signalbench/server/frame"
)

const (
	maxSlots   = 256
	resolution = 5 * time.Millisecond // the shortest time of a slot
)

// links hold a subscriber in a ring.
type links struct{ prev, next *subscriber }

// A ring is a list of subscribers around one that is none. It is made with
// newRing.
type ring struct{ head *subscriber }

func newRing() ring {
	head := new(subscriber)
	head.prev, head.next = head, head
	return ring{head}
}

func (r ring) empty() bool { return r.head.next == r.head }

// push adds s at the end.
func (r ring) push(s *subscriber) {
	last := r.head.prev
	s.prev, s.next = last, r.head
	last.next, r.head.prev = s, s
}

// take moves all of another ring to the end.
func (r ring) take(o ring) {
	if o.empty() {
		return
	}
	first, last, end := o.head.next, o.head.prev, r.head.prev
	end.next, first.prev = first, end
	last.next, r.head.prev = r.head, last
	o.head.prev, o.head.next = o.head, o.head
}

// unlink takes s out of whatever ring it is in.
func (s *subscriber) unlink() {
	s.prev.next, s.next.prev = s.next, s.prev
	s.prev, s.next = nil, nil
}

// A clock moves the hand of a wheel for each event loop, and of one for all
// connections without.
type clock struct {
	slot     time.Duration
	slots    int
	ping     *engine.Prepared
	counters *counters

	mu     sync.Mutex
	hand   int // the slot that was due last
	wheels map[engine.Home]*wheel
}

// A wheel has a slot for each part of the interval between pings. A subscriber
// stays in the one that its opening fell into; it is its turn when the hand comes
// by.
type wheel struct {
	home  engine.Home
	clock *clock

	mu    sync.Mutex
	slots []ring
	due   ring // whose turn it is
}

func newClock(interval time.Duration, counters *counters) *clock {
	c := &clock{slot: max(interval/maxSlots, resolution), ping: frame.Prepare(engine.OpText, nil), counters: counters, wheels: make(map[engine.Home]*wheel)}
	c.slots = int((interval + c.slot - 1) / c.slot)
	return c
}

// enter puts s into the slot of this moment.
func (c *clock) enter(s *subscriber) {
	home := s.conn.Home()
	c.mu.Lock()
	w := c.wheels[home]
	if w == nil {
		w = &wheel{home: home, clock: c, slots: make([]ring, c.slots), due: newRing()}
		for i := range w.slots {
			w.slots[i] = newRing()
		}
		c.wheels[home] = w
	}
	s.wheel, s.slot = w, uint16(c.hand)
	c.mu.Unlock()
	w.mu.Lock()
	w.slots[s.slot].push(s)
	w.mu.Unlock()
}

func (w *wheel) leave(s *subscriber) {
	w.mu.Lock()
	s.unlink()
	w.mu.Unlock()
}

// run moves the hand until ctx is done. Slots that it is late for come at once.
func (c *clock) run(ctx context.Context) {
	tick := time.NewTicker(c.slot)
	defer tick.Stop()
	started, moved := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for ; moved < int(now.Sub(started)/c.slot); moved++ {
				for _, w := range c.advance() {
					w.turn()
				}
			}
		}
	}
}

// advance moves the hand, makes all of its slot due, and returns the wheels that
// have to do something that they are not already doing.
func (c *clock) advance() (idle []*wheel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hand = (c.hand + 1) % c.slots
	for _, w := range c.wheels {
		w.mu.Lock()
		busy := !w.due.empty()
		w.due.take(w.slots[c.hand])
		if !busy && !w.due.empty() {
			idle = append(idle, w)
		}
		w.mu.Unlock()
	}
	return idle
}

// turn sees to all who are due.
func (w *wheel) turn() {
	if w.home == nil {
		for w.step() {
		}
		return
	}
	if w.home.Do(w.part) {
		return
	}
	w.clock.mu.Lock()
	delete(w.clock.wheels, w.home) // the loop has ended
	w.clock.mu.Unlock()
}

// part runs on an event loop.
func (w *wheel) part() {
	if w.step() {
		w.turn()
	}
}

// step sends to some who are due and reports whether there are more.
func (w *wheel) step() bool {
	var batch [stride]engine.Conn
	n := 0
	w.mu.Lock()
	for ; n < len(batch) && !w.due.empty(); n++ {
		s := w.due.head.next
		s.unlink()
		w.slots[s.slot].push(s)
		batch[n] = s.conn
	}
	more := !w.due.empty()
	w.mu.Unlock()
	pinged := uint64(0)
	for _, conn := range batch[:n] {
		if conn.SendPrepared(w.clock.ping) == nil {
			pinged++
		}
	}
	w.clock.counters.pings.Add(pinged)
	return more
}
