package netpoll

import (
	"errors"
	"io"
	"runtime/debug"

	"github.com/mailru/easygo/netpoll"
	"golang.org/x/sys/unix"

	"signalbench/server/bufpool"
	"signalbench/server/engine"
)

// ready is what epoll calls: one event of one connection, on its poller's
// goroutine. A stale event, of a descriptor that was closed earlier in the same
// batch, finds the conn dead.
func (c *conn) ready(ev netpoll.EpollEvent) {
	defer c.survive()
	c.mu.Lock()
	if ev&pollerClosed != 0 && c.phase.Load() < doomed {
		c.doom(engine.ErrClosed)
	}
	if ev&netpoll.EPOLLOUT != 0 || c.phase.Load() == ending {
		c.flush() // while ending, also to meet the error that was reported
	}
	switch p := c.phase.Load(); {
	case p == dead:
		c.mu.Unlock()
		return
	case p == ending || p == doomed, ev&^netpoll.EPOLLOUT == 0:
		c.settle()
		return
	}
	c.flags |= corked
	c.loop.cork, c.loop.moved = c.loop.cork[:0], false
	c.mu.Unlock()

	n, errno := read(int(c.fd), c.loop.in)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
	case errno != 0:
		c.lost(errno)
	case n == 0:
		c.lost(io.ErrUnexpectedEOF) // RFC 6455 section 7.1.5: no close frame came, 1006
	default:
		c.receive(c.loop.in[:n])
	}
	c.mu.Lock()
	c.uncork()
	c.settle()
}

// settle ends an event: mu is held, and released.
func (c *conn) settle() {
	p := c.phase.Load()
	waits := c.x != nil && c.x.out != nil
	if p == lingering && !waits && !c.x.shut {
		// Nothing more will be sent. A socket closed with bytes unread would
		// send a reset, which may overtake the close frame: so this side of the
		// connection ends first (RFC 6455 section 7.1.1), and then the peer.
		_ = unix.Shutdown(int(c.fd), unix.SHUT_WR)
		c.x.shut = true
	}
	over := p == doomed || p == ending && !waits
	if !over {
		c.rest()
		c.watch()
		over = c.phase.Load() == doomed
	}
	c.mu.Unlock()
	if over {
		c.finish()
	}
}

// survive is deferred around calls of the handler: a panic ends one connection,
// with 1011, and not the poller of all others.
func (c *conn) survive() {
	v := recover()
	if v == nil {
		return
	}
	panicked(c.loop.cfg, v)
	c.parser.Release()
	c.fail(internal)
	c.mu.Lock()
	if c.phase.Load() == opening {
		c.doom(internal)
	}
	c.uncork()
	c.settle()
}

// survive is deferred around the handler's Closed, after which nothing is left
// to be ended.
func (s *server) survive() {
	if v := recover(); v != nil {
		panicked(s.cfg, v)
	}
}

func panicked(cfg *engine.Config, v any) {
	cfg.Log.Error("handler panicked", "panic", v, "stack", string(debug.Stack()))
}

// lost is the end of the stream.
func (c *conn) lost(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.extra()
	if x.cause == nil {
		x.cause = cause
	}
	// A peer that has ended its own side may still read what waits for it.
	if errors.Is(cause, io.ErrUnexpectedEOF) && x.out != nil && c.phase.Load() < ending {
		c.enter(ending)
		return
	}
	c.phase.Store(doomed)
}

// receive takes what was read.
func (c *conn) receive(p []byte) {
	if c.phase.Load() == opening {
		var head *bufpool.Buffer
		if p, head = c.shake(p); len(p) == 0 {
			bufpool.Put(head)
			return
		}
		defer bufpool.Put(head) // p lies in it
	}
	if c.phase.Load() > closing {
		c.forget(len(p))
		return
	}
	err := c.parser.Feed(p, c.loop.cfg.MaxMessage, (*sink)(c))
	if ce, ok := err.(*engine.CloseError); ok {
		c.fail(ce)
	}
}

// forget passes over n bytes of a peer that is not listened to any more.
func (c *conn) forget(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.x.heard += n; c.x.heard > lingerBytes {
		c.phase.Store(doomed)
	}
}

// fail fails the connection (RFC 6455 section 7.1.7).
func (c *conn) fail(why *engine.CloseError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.phase.Load() {
	case open:
		c.bye(lingering, why)
	case closing: // the close frame is out already, and nothing may follow it
		c.enter(lingering)
	}
}
