package netpoll

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/mailru/easygo/netpoll"
	"golang.org/x/sys/unix"

	"signalbench/server/bufpool"
	"signalbench/server/engine"
	"signalbench/server/frame"
)

// A phase is where a connection stands. It only ever grows.
type phase = uint32

const (
	opening   phase = iota // the opening handshake is not complete
	open                   // messages pass
	closing                // a close frame was sent, the peer's is awaited
	ending                 // nothing more is read; closed once nothing waits
	lingering              // failed: once nothing waits, read and forgotten until the peer closes
	doomed                 // shut down; its poller closes it at the next event
	dead                   // the descriptor is closed
)

// Flags of a conn.
const (
	corked   uint8 = 1 << iota // its poller is serving it: replies gather in poller.cork
	upgraded                   // Handler.Open was called: Closed is owed
	counted                    // the handshake failed and was counted
	surplus                    // accepted over Config.MaxConns, to be answered 503
	wantsOut                   // epoll reports when it can be written to
	deaf                       // epoll does not report when it can be read
	asked                      // its poller was asked to tend it
)

// A conn is one connection. It is 64 B, a size class of the allocator: every
// field here is paid for by every idle connection, so what is not needed while
// idle is in extra.
type conn struct {
	mu     sync.Mutex
	loop   *poller
	parser frame.Parser // the poller's
	x      *extra       // nil while idle
	state  any
	fd     int32
	seen   uint32        // tick of the last complete frame, or of accept
	phase  atomic.Uint32 // written under mu
	flags  uint8
}

// extra is what a connection has only while it is not idle.
type extra struct {
	head  *bufpool.Buffer // the opening handshake so far; the poller's
	out   *bufpool.Buffer // bytes from off on wait for the peer
	off   int
	cause error  // why it ends
	full  uint32 // tick since which something waits
	ended uint32 // tick of the phase's beginning, from closing on
	heard int    // bytes read and forgotten while lingering
	shut  bool   // this side of the connection has ended
}

var extras = sync.Pool{New: func() any { return new(extra) }}

// extra returns c's extra and borrows one if there is none.
func (c *conn) extra() *extra {
	if c.x == nil {
		c.x = extras.Get().(*extra)
	}
	return c.x
}

// rest gives the extra back if c is idle.
func (c *conn) rest() {
	if x := c.x; x != nil && x.out == nil && x.head == nil && c.phase.Load() <= open {
		*x = extra{}
		extras.Put(x)
		c.x = nil
	}
}

// is reports whether a flag is set.
func (c *conn) is(flag uint8) bool { return c.flags&flag != 0 }

// enter moves c into a later phase and starts the time that it is given.
func (c *conn) enter(p phase) {
	c.phase.Store(p)
	x := c.extra()
	x.ended = c.loop.clock.now()
	c.loop.table.hurry(c, x.ended+c.loop.clock.write)
}

// Home implements [engine.Conn].
func (c *conn) Home() engine.Home {
	if a := c.loop.apart; a != nil {
		return a
	}
	return nil
}

// SetState implements [engine.Conn].
func (c *conn) SetState(v any) {
	c.mu.Lock()
	c.state = v
	c.mu.Unlock()
}

// State implements [engine.Conn].
func (c *conn) State() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// RemoteAddr implements [engine.Conn]: it asks the kernel, on a thread that can.
func (c *conn) RemoteAddr() net.Addr {
	if !c.loop.here() {
		return c.inquire()
	}
	return c.peer()
}

// peer asks the kernel for the address.
func (c *conn) peer() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase.Load() == dead {
		return &net.TCPAddr{}
	}
	sa, err := unix.Getpeername(int(c.fd))
	if err != nil {
		return &net.TCPAddr{}
	}
	return address(sa)
}

// Close implements [engine.Conn].
func (c *conn) Close(code engine.CloseCode, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase.Load() != open {
		return engine.ErrClosed
	}
	c.bye(closing, &engine.CloseError{Code: code, Reason: reason})
	return nil
}

// bye sends a close frame and moves on to phase p. mu is held, c is open.
func (c *conn) bye(p phase, why *engine.CloseError) {
	c.enter(p)
	c.x.cause = why
	var b [frame.MaxHeaderLen + 2 + frame.MaxReason]byte
	c.put(frame.AppendClose(b[:0], why.Code, why.Reason), nil)
}

// leave says goodbye because the server drains, or breaks off a handshake.
func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.phase.Load() {
	case opening:
		c.doom(engine.ErrClosed)
	case open:
		c.bye(closing, goingAway)
	}
}

// cut ends the connection without a further word.
func (c *conn) cut(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doom(cause)
}

// doom leaves the end to the poller. It asks for that by mail, or shuts the socket
// down, which makes epoll report it (a socket shut down on both sides is always
// reported, whatever was asked for). mu is held.
func (c *conn) doom(cause error) {
	if c.phase.Load() >= doomed {
		return
	}
	c.phase.Store(doomed)
	if x := c.extra(); x.cause == nil {
		x.cause = cause
	}
	if c.loop.apart != nil {
		c.ask()
		return
	}
	// An error means that the peer was quicker, which epoll reports as well.
	_ = unix.Shutdown(int(c.fd), unix.SHUT_RDWR)
}

// watch tells epoll what to report. mu is held.
func (c *conn) watch() {
	want := netpoll.EpollEvent(netpoll.EPOLLIN)
	var flags uint8
	if c.x != nil && c.x.out != nil {
		want |= netpoll.EPOLLOUT
		flags |= wantsOut
	}
	if c.phase.Load() == ending {
		want &^= netpoll.EPOLLIN // level-triggered: unread bytes would wake for ever
		flags |= deaf
	}
	if c.flags&(wantsOut|deaf) == flags || c.phase.Load() >= doomed || c.is(asked) {
		return
	}
	if err := c.loop.epoll.Mod(int(c.fd), want); err != nil {
		c.doom(err)
		return
	}
	c.flags = c.flags&^(wantsOut|deaf) | flags
}

// finish closes the descriptor and tells the handler. Only the poller calls it,
// once, without mu.
func (c *conn) finish() {
	p := c.loop
	s := p.server
	c.mu.Lock()
	fd := int(c.fd)
	x := c.extra()
	c.x = nil
	c.phase.Store(dead)
	c.mu.Unlock()

	c.parser.Release()
	p.table.remove(c)
	if p.here() { // else the descriptor went with its table
		_ = p.epoll.Del(fd) // fails only when the poller is being closed
		if x.out != nil {
			// The peer does not take what was sent: it is not to live on in the
			// kernel as an orphan with a full buffer.
			_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		}
		_ = unix.Close(fd)
	}
	cause := x.cause
	bufpool.Put(x.head)
	bufpool.Put(x.out)
	*x = extra{}
	extras.Put(x)

	defer s.census.gone(c)
	defer s.survive()
	switch {
	case c.is(upgraded):
		s.cfg.Stats.Open.Add(-1)
		s.cfg.Stats.Closed.Add(1)
		s.handler.Closed(c, cause)
	case !c.is(counted):
		s.cfg.Stats.Failed.Add(1)
	}
}
