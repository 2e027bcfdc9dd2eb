package netpoll

import (
	"cmp"

	"golang.org/x/sys/unix"

	"signalbench/server/bufpool"
	"signalbench/server/engine"
	"signalbench/server/frame"
)

// Send implements [engine.Conn].
func (c *conn) Send(op engine.Opcode, p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.admit(""); err != nil {
		return err
	}
	var b [frame.MaxHeaderLen]byte
	c.put(frame.AppendHeader(b[:0], op, len(p)), p)
	return nil
}

// SendPrepared implements [engine.Conn].
func (c *conn) SendPrepared(m *engine.Prepared) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.admit(m.Slow); err != nil {
		return err
	}
	c.put(m.Frame, nil)
	return nil
}

// admit says whether one more frame may be sent, and deals with a slow consumer
// by its own policy, or if it has none by that of the Config. mu is held.
func (c *conn) admit(policy engine.SlowPolicy) error {
	if c.phase.Load() != open {
		return engine.ErrClosed
	}
	if c.waiting() < c.loop.cfg.Outbox {
		return nil
	}
	if c.unoffered() && c.loop.here() {
		c.flush()
		if c.is(corked) && len(c.loop.cork) > 0 {
			c.pour()
		}
		if c.phase.Load() != open {
			return engine.ErrClosed
		}
		if c.waiting() < c.loop.cfg.Outbox {
			return nil
		}
	}
	if cmp.Or(policy, c.loop.cfg.Slow) == engine.SlowDrop {
		c.loop.cfg.Stats.Dropped.Add(1)
	} else {
		c.evict()
	}
	return engine.ErrSlow
}

// evict ends the connection of a slow consumer. mu is held.
func (c *conn) evict() {
	c.loop.cfg.Stats.Evicted.Add(1)
	c.doom(engine.ErrSlow)
}

// waiting is how many bytes the kernel has not taken. mu is held.
func (c *conn) waiting() int {
	n := 0
	if x := c.x; x != nil && x.out != nil {
		n = len(x.out.B) - x.off
	}
	if c.is(corked) {
		n += len(c.loop.cork)
	}
	return n
}

// unoffered reports whether something waits that nobody has offered to the peer
// yet. mu is held.
func (c *conn) unoffered() bool { return c.is(asked) || c.is(corked) && len(c.loop.cork) > 0 }

// put sends head and then body: behind what waits, into the cork, or straight to
// the kernel, which only the poller reaches if its descriptors are its own. mu is
// held. A failure dooms the connection.
//
// What waits outside of an event is always being seen to: epoll reports when it
// can be written, or the poller is asked.
func (c *conn) put(head, body []byte) {
	switch x := c.x; {
	case x != nil && x.out != nil:
		x.add(head)
		x.add(body)
	case c.is(corked):
		c.loop.cork = append(append(c.loop.cork, head...), body...)
		if len(c.loop.cork) >= corkBytes && c.loop.here() {
			c.pour()
		}
	case !c.loop.here():
		c.wait(joined(head, body), 0)
		c.ask()
	case len(body) == 0:
		if n := c.write(head); n < len(head) {
			c.wait(bufpool.Append(nil, head[n:]), 0)
			c.watch()
		}
	default:
		b := joined(head, body)
		if n := c.write(b.B); n < len(b.B) {
			c.wait(b, n)
			c.watch()
			return
		}
		bufpool.Put(b)
	}
}

// joined returns head and body in borrowed memory.
func joined(head, body []byte) *bufpool.Buffer {
	b := bufpool.Get(len(head) + len(body))
	b.B = append(append(b.B, head...), body...)
	return b
}

// pour writes the cork. What the kernel does not take waits. mu is held.
func (c *conn) pour() {
	p := c.loop.cork
	c.loop.cork = p[:0]
	if x := c.x; x != nil && x.out != nil {
		x.add(p) // something waited when the cork was set
		return
	}
	if n := c.write(p); n < len(p) {
		c.wait(bufpool.Append(nil, p[n:]), 0)
	}
}

// uncork ends the gathering of replies. mu is held.
func (c *conn) uncork() {
	if !c.is(corked) {
		return
	}
	if len(c.loop.cork) > 0 {
		c.pour()
	}
	if cap(c.loop.cork) > corkKept {
		c.loop.cork = nil
	}
	if c.loop.moved {
		c.seen = c.loop.clock.now()
	}
	c.flags &^= corked
}

// write writes what the kernel takes of p. mu is held. A dead peer takes
// everything: there is no point in keeping it.
func (c *conn) write(p []byte) int {
	if c.phase.Load() >= doomed {
		return len(p)
	}
	for {
		switch n, errno := write(int(c.fd), p); errno {
		case 0:
			return n
		case unix.EINTR:
		case unix.EAGAIN:
			return 0
		default:
			c.doom(errno)
			return len(p)
		}
	}
}

// wait keeps b from off on until the peer takes it. mu is held.
func (c *conn) wait(b *bufpool.Buffer, off int) {
	x := c.extra()
	x.out, x.off = b, off
	x.full = c.loop.clock.now()
	c.loop.table.hurry(c, x.full+c.loop.clock.write)
}

// add appends p to what waits.
func (x *extra) add(p []byte) {
	if x.off > 0 && len(x.out.B)+len(p) > cap(x.out.B) {
		x.out.B = x.out.B[:copy(x.out.B, x.out.B[x.off:])]
		x.off = 0
	}
	x.out = bufpool.Append(x.out, p)
}

// flush writes what waits. mu is held.
func (c *conn) flush() {
	x := c.x
	if x == nil || x.out == nil {
		return
	}
	if x.off += c.write(x.out.B[x.off:]); x.off == len(x.out.B) {
		bufpool.Put(x.out)
		x.out, x.off = nil, 0
	}
}
