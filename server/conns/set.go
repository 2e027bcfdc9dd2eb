package conns

import (
	"net"
	"sync"
	"time"

	"signalbench/server/engine"
)

// An Owner is what an engine makes of a connection after the handshake.
type Owner interface {
	// Drain starts the closing handshake with [engine.CloseGoingAway] and does
	// not wait for it.
	Drain()
}

// A Set holds the connections of one Serve. All methods are safe for concurrent
// use.
type Set struct {
	cfg  *engine.Config
	base time.Time // deadlines are kept as durations from here: a word each

	mu       sync.Mutex
	first    *Conn // a doubly linked list through the connections
	size     int   // connections in the list
	surplus  int   // of those, accepted over the limit
	draining bool
	empty    chan struct{} // closed when the last one leaves while draining
}

// NewSet returns an empty set for connections within cfg.
func NewSet(cfg *engine.Config) *Set {
	return &Set{cfg: cfg, base: time.Now(), empty: make(chan struct{})}
}

// admit takes an accepted connection in, or closes it and returns nil.
func (s *Set) admit(nc net.Conn) *Conn {
	s.cfg.Stats.Accepted.Add(1)
	c := &Conn{set: s}
	c.Init(nc, s.cfg)
	if !s.enter(c) {
		s.cfg.Stats.Refused.Add(1)
		_ = nc.Close()
		return nil
	}
	c.arm(time.Since(s.base) + s.cfg.HandshakeTimeout)
	return c
}

// enter links c in unless there is no room.
func (s *Set) enter(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	if limit := s.cfg.MaxConns; limit > 0 && s.size-s.surplus >= limit {
		if s.surplus == surplusLimit {
			return false
		}
		s.surplus++
		c.surplus = true
	}
	s.size++
	c.next = s.first
	if c.next != nil {
		c.next.prev = c
	}
	s.first = c
	return true
}

// leave unlinks c.
func (s *Set) leave(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		s.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
	s.size--
	if c.surplus {
		s.surplus--
	}
	if s.draining && s.size == 0 {
		close(s.empty)
	}
}

// all returns the connections of this moment.
func (s *Set) all() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Conn, 0, s.size)
	for c := s.first; c != nil; c = c.next {
		list = append(list, c)
	}
	return list
}

// Overdue appends to list the connections whose read deadline has passed. It is for
// an engine whose idle connections have no read under way that the deadline would
// end. It looks at every connection.
func (s *Set) Overdue(list []*Conn) []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Since(s.base)
	for c := s.first; c != nil; c = c.next {
		if c.overdue(now) {
			list = append(list, c)
		}
	}
	return list
}

// Drain ends all connections and returns when the last one has left. Handshakes
// are broken off; owners are asked to say goodbye; what is still there after
// Config.DrainTimeout is cut, and then the error is [engine.ErrDrainDeadline].
// The listeners are to be closed before; Drain is called once.
func (s *Set) Drain() error {
	s.mu.Lock()
	s.draining = true
	if s.size == 0 {
		close(s.empty)
	}
	s.mu.Unlock()

	for _, c := range s.all() {
		c.drain()
	}
	deadline := time.NewTimer(s.cfg.DrainTimeout)
	defer deadline.Stop()
	select {
	case <-s.empty:
		return nil
	case <-deadline.C:
	}
	for _, c := range s.all() {
		c.Cut()
	}
	<-s.empty
	return engine.ErrDrainDeadline
}
