package conns

import (
	"sync/atomic"
	"time"

	"signalbench/server/outbox"
	"signalbench/server/upgrade"
)

// A Conn is an accepted connection: an outbox and the read deadlines of its
// life. The opening handshake has one from accept to its end; an upgraded
// connection has one that messages put off; a closing handshake has the last
// one.
type Conn struct {
	outbox.Conn
	set        *Set
	prev, next *Conn // under set.mu
	owner      Owner // under set.mu; nil before the upgrade

	deadline atomic.Int64 // of reading, a time.Duration from set.base; 0 is none
	phase    atomic.Uint32
	surplus  bool // accepted over the limit
	counted  bool // the handshake has failed and was counted
	promised bool // under set.mu: the 101 is being written
}

// The phases of a connection, in order.
const (
	opening uint32 = iota
	open
	closing
)

// Surplus reports whether the connection was accepted over the limit, so that
// its request is to be refused with [OverLimit].
func (c *Conn) Surplus() bool { return c.surplus }

// Refused counts the handshake as ended with err, which came from package
// upgrade.
func (c *Conn) Refused(err error) {
	c.counted = true
	upgrade.Count(c.set.cfg.Stats, err)
}

// Upgrading tells that the 101 response is about to be written. From then on a
// drain waits for [Conn.Upgraded], so that whoever has seen the 101 also sees the
// goodbye. The error, if any, is how the handshake is to be refused.
func (c *Conn) Upgrading() error {
	c.set.mu.Lock()
	defer c.set.mu.Unlock()
	if c.set.draining {
		return errDraining
	}
	c.promised = true
	return nil
}

// Upgraded tells that the 101 response has been written or queued. From now on
// o says goodbye for the connection, and silence is limited by ReadTimeout.
func (c *Conn) Upgraded(o Owner) {
	c.set.cfg.Stats.Upgraded.Add(1)
	c.set.cfg.Stats.Open.Add(1)
	c.phase.Store(open)
	c.deadline.Store(0)
	c.Touch()
	if c.deadline.Load() == 0 {
		c.arm(0)
	}
	c.set.mu.Lock()
	c.owner = o
	draining := c.set.draining
	c.set.mu.Unlock()
	if draining {
		o.Drain()
	}
}

// Leave takes the connection out of its set and counts its end. It is the last
// thing that is done with a connection, after Close, by the goroutine that
// served it; it waits for what is still being flushed.
func (c *Conn) Leave() {
	c.Wait()
	s := c.set.cfg.Stats
	switch {
	case c.phase.Load() != opening:
		s.Open.Add(-1)
		s.Closed.Add(1)
	case !c.counted:
		s.Failed.Add(1)
	}
	c.set.leave(c)
}

// Touch tells that a message or a control frame has been completed, so that
// silence begins anew. A deadline is set with an eighth to spare and moved only
// when that is used up: a busy connection does not pay for a timer with each
// message.
func (c *Conn) Touch() {
	silence := c.set.cfg.ReadTimeout
	if silence == 0 || c.phase.Load() != open {
		return
	}
	now := time.Since(c.set.base)
	if time.Duration(c.deadline.Load())-now >= silence {
		return
	}
	Aside((*postponement)(c)) // the way to the runtime's timers is long
}

// A postponement is a Conn whose silence begins anew.
type postponement Conn

// Run implements [Task].
func (p *postponement) Run() {
	c := (*Conn)(p)
	silence := c.set.cfg.ReadTimeout
	c.arm(time.Since(c.set.base) + silence + silence/8)
	if c.phase.Load() == closing {
		c.StartClosing() // it came between, and its deadline is the one that holds
	}
}

// StartClosing tells that a close frame is being sent. The peer has WriteTimeout
// to answer, whatever else it sends.
func (c *Conn) StartClosing() {
	c.phase.Store(closing)
	c.arm(time.Since(c.set.base) + c.set.cfg.WriteTimeout)
}

// Closing reports whether StartClosing was called.
func (c *Conn) Closing() bool { return c.phase.Load() == closing }

// Overdue reports whether the read deadline has passed.
func (c *Conn) Overdue() bool { return c.overdue(time.Since(c.set.base)) }

func (c *Conn) overdue(now time.Duration) bool {
	d := time.Duration(c.deadline.Load())
	return d != 0 && d <= now
}

// arm sets the read deadline to d from the set's base, 0 for none.
func (c *Conn) arm(d time.Duration) {
	c.deadline.Store(int64(d))
	var t time.Time
	if d != 0 {
		t = c.set.base.Add(d)
	}
	_ = c.Conn.SetReadDeadline(t) // fails only on a closed connection
}

// SetReadDeadline sets a deadline as far as the connection's own one lets it:
// an HTTP server that clears deadlines between two steps of the handshake does
// not extend it.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if d := time.Duration(c.deadline.Load()); d != 0 {
		if own := c.set.base.Add(d); t.IsZero() || t.After(own) {
			t = own
		}
	}
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline sets the read deadline: writes never block.
func (c *Conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// drain says goodbye to an upgraded connection and breaks off a handshake.
func (c *Conn) drain() {
	c.set.mu.Lock()
	o, promised := c.owner, c.promised
	c.set.mu.Unlock()
	switch {
	case o != nil:
		o.Drain()
	case !promised:
		_ = c.Close()
	}
}
