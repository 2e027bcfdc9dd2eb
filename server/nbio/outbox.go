package nbio

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/nbhttp/websocket"
	"golang.org/x/sys/unix"

	"signalbench/server/engine"
)

// errNoEnd is why a connection is cut whose peer did not come to an end in time.
var errNoEnd = errors.New("the peer did not end the connection in time")

// closeFrame is the first byte of a close frame (RFC 6455 section 5.5.1).
const closeFrame = 0x88

// An outbox counts what the library keeps for a peer, which the library does not tell.
type outbox struct {
	waiting atomic.Int64 // bytes written less bytes that the kernel took
	saying  atomic.Bool  // the close frame that is written is this side's choice
	ending  atomic.Uint32
	ended   atomic.Bool // what ending says was begun
	cutFor  atomic.Pointer[error]

	out      sync.Mutex // of writes
	lastWord bool       // a close frame was written
	since    time.Time  // when bytes began to wait
	watched  bool       // a timer looks whether they still do
}

// What becomes of a connection once nothing waits.
const (
	goesOn  uint32 = iota
	lingers        // its sending side ends, and the peer is to see that
	closes
)

// held is what the library writes to and closes. Each of its writes is a frame.
type held struct {
	net.Conn
	conn *conn
}

// Write implements [net.Conn]. A close frame of the library's own, for what it could
// not parse, would overtake the answers to messages before: it is left to [conn.fail].
func (h held) Write(p []byte) (int, error) {
	if p[0] == closeFrame && !h.conn.saying.Load() {
		return len(p), nil
	}
	return h.conn.write(p)
}

// Close closes once nothing waits; the library would drop it. If there was no close
// frame, the library has found something wrong with what the peer has sent.
func (h held) Close() error {
	if gone, _ := h.conn.nbc.IsClosed(); gone {
		return nil
	}
	h.conn.mu.Lock()
	answered := h.conn.peerClosed
	h.conn.mu.Unlock()
	if answered {
		h.conn.finish(closes)
	} else {
		h.conn.fail(&engine.CloseError{Code: engine.CloseProtocolError, Reason: "unexpected message"})
	}
	return nil
}

// write writes a frame, or has the library keep what the kernel does not take of it.
// Nothing comes behind a close frame.
func (c *conn) write(p []byte) (int, error) {
	c.out.Lock()
	defer c.out.Unlock()
	if c.lastWord {
		return 0, net.ErrClosed
	}
	c.lastWord = p[0] == closeFrame
	before := c.waiting.Add(int64(len(p))) - int64(len(p))
	n, err := c.nbc.Write(p)
	if err == nil && before == 0 && c.waiting.Load() > 0 {
		c.since = time.Now()
		c.watch(c.server.cfg.WriteTimeout)
	}
	return n, err
}

// watch looks after d whether the peer has taken everything, with out held.
func (c *conn) watch(d time.Duration) {
	if c.watched {
		return
	}
	c.watched = true
	time.AfterFunc(d, func() {
		c.out.Lock()
		defer c.out.Unlock()
		c.watched = false
		if gone, _ := c.nbc.IsClosed(); gone || c.waiting.Load() == 0 {
			return
		}
		if left := c.server.cfg.WriteTimeout - time.Since(c.since); left > 0 {
			c.watch(left)
			return
		}
		if !c.lastWord {
			c.server.cfg.Stats.Evicted.Add(1)
		}
		c.cut(engine.ErrSlow)
	})
}

// written is called by the library, with its lock of the connection held, when the
// kernel has taken n bytes.
func written(nbc *nbio.Conn, _ []byte, n int) {
	ws, ok := nbc.Session().(*websocket.Conn)
	if !ok {
		return // a response
	}
	c, ok := ws.Session().(*conn)
	if !ok {
		return // the 101
	}
	if c.waiting.Add(int64(-n)) == 0 && c.ending.Load() != goesOn {
		go c.end()
	}
}

// finish ends the connection once nothing waits, and at the latest within
// Config.WriteTimeout.
func (c *conn) finish(how uint32) {
	c.mu.Lock()
	c.closed = true
	c.within(c.server.cfg.WriteTimeout)
	c.mu.Unlock()
	c.ending.CompareAndSwap(goesOn, how)
	if c.waiting.Load() == 0 {
		c.end()
	}
}

// end begins what ending says.
func (c *conn) end() {
	switch {
	case !c.ended.CompareAndSwap(false, true):
	case c.ending.Load() == closes:
		onSocket(c.nbc, hangUp)
	default:
		onSocket(c.nbc, endSending)
	}
}

// endSending ends the sending side of a socket.
func endSending(fd int) { _ = unix.Shutdown(fd, unix.SHUT_WR) }

// hangUp has the event loop close a socket. Closed on another goroutine, its number may
// be a new connection's before the loop has seen an event of the old one, and the
// library would end the new one.
func hangUp(fd int) { _ = unix.Shutdown(fd, unix.SHUT_RDWR) }

// cut closes the connection soon and drops what waits, here and in the kernel: the
// peer sees a reset.
func (c *conn) cut(cause error) {
	onSocket(c.nbc, func(fd int) {
		c.cutFor.CompareAndSwap(nil, &cause)
		_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		hangUp(fd)
	})
}

// silent has the loop close a connection whose peer has said nothing for too long.
func (c *conn) silent() {
	onSocket(c.nbc, func(fd int) {
		c.cutFor.CompareAndSwap(nil, &nbio.ErrReadTimeout)
		hangUp(fd)
	})
}

// onSocket calls f with the descriptor, unless it is closed.
func onSocket(nbc *nbio.Conn, f func(fd int)) {
	nbc.Lock()
	defer nbc.Unlock()
	if closed, _ := nbc.IsClosed(); !closed {
		f(nbc.Hash())
	}
}
