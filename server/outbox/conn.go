package outbox

import (
	"cmp"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"signalbench/server/engine"
)

// A Conn is a net.Conn whose Write never blocks. All methods are safe for concurrent use; concurrent writes are
// not interleaved.
type Conn struct {
	net.Conn
	raw syscall.RawConn // nil if the wrapped connection has no descriptor
	fd  int             // of raw, -1 without; see Write for when it may be used
	cfg *engine.Config

	mu      sync.Mutex
	queue   *queue // nil while nothing waits
	err     error  // why nothing can be written any more
	closing bool   // close once nothing waits
	shut    bool   // shut down the sending side once nothing waits
	parting bool   // somebody's next Write is his last word
}

// Init makes c write to nc, within the limits of cfg. nc belongs to c then:
// nobody else may write to it or close it.
func (c *Conn) Init(nc net.Conn, cfg *engine.Config) {
	c.Conn, c.cfg, c.fd = nc, cfg, -1
	s, ok := nc.(syscall.Conn)
	if !ok {
		return // everything goes through the queue
	}
	raw, err := s.SyscallConn()
	if err == nil && raw.Control(func(fd uintptr) { c.fd = int(fd) }) == nil {
		c.raw = raw
	}
}

// Raw gives access to the descriptor, for waiting until there is something to
// read; nil if the wrapped connection has none.
func (c *Conn) Raw() syscall.RawConn { return c.raw }

// Read reads like a net.Conn. It is here for the smaller stack frames from it
// down to where the goroutine waits, see [Conn.Write].
func (c *Conn) Read(p []byte) (n int, err error) {
	if c.raw == nil || len(p) == 0 {
		return c.Conn.Read(p)
	}
	r := readings.Get().(*reading)
	r.p = p
	if err = c.raw.Read(r.try); err == nil {
		switch {
		case r.errno != 0:
			err = os.NewSyscallError("read", r.errno)
		case r.n == 0:
			err = io.EOF
		default:
			n = r.n
		}
	}
	r.p = nil
	readings.Put(r)
	return n, err
}

// Write writes p or queues what the kernel does not take of it. It bounds
// nothing: what may grow large asks [Conn.Admit] first. An error means that the
// connection cannot be written to any more; no part of p waits then.
func (c *Conn) Write(p []byte) (n int, err error) {
	c.mu.Lock()
	n, err = c.write(p)
	c.mu.Unlock()
	return n, err
}

// write is Write with mu held.
//
// Everything but the usual case is left to other functions: the frames from Write
// down to the system call decide whether the goroutine of a connection gets by
// with the smallest stack.
func (c *Conn) write(p []byte) (n int, err error) {
	// Only methods of c close the descriptor, and all of them hold mu and say so
	// first: what is writable is open.
	if c.queue == nil && c.fd >= 0 && c.writable() == nil {
		var errno syscall.Errno
		if n, errno = writeNow(c.fd, p); errno != 0 {
			err = os.NewSyscallError("write", errno)
		}
	}
	if n < len(p) {
		n, err = c.writeSlow(p, n, err)
	}
	return n, err
}

// Offer is [Conn.Admit] and [Conn.Write] in one, for what is whole by itself: it
// comes before the last word of somebody else who writes, or not at all (see
// [Conn.SetWriteDeadline]). The error is [engine.ErrClosed] or [engine.ErrSlow].
func (c *Conn) Offer(p []byte, policy engine.SlowPolicy) error {
	c.mu.Lock()
	err := engine.ErrClosed
	if !c.parting {
		err = c.admit(policy)
	}
	if err == nil {
		if _, failed := c.write(p); failed != nil {
			err = engine.ErrClosed
		}
	}
	c.mu.Unlock()
	return err
}

// writeSlow queues p[n:] if err, from the attempt to write it, is nil.
func (c *Conn) writeSlow(p []byte, n int, err error) (int, error) {
	if err != nil {
		c.err = err
		return n, err
	}
	if err := c.writable(); err != nil {
		return 0, err
	}
	if c.queue == nil {
		c.queue = &queue{done: make(chan struct{})}
		go c.flush(c.queue)
	}
	c.queue.add(p[n:])
	return len(p), nil
}

func (c *Conn) writable() error {
	switch {
	case c.err != nil:
		return c.err
	case c.closing || c.shut:
		return net.ErrClosed
	}
	return nil
}

// Admit says whether one more message may be written: nil, [engine.ErrClosed],
// or [engine.ErrSlow] while the outbox is full. In the last case it has applied
// policy, or if that is empty the one of the Config, and counted what that did.
// Whoever needs the bound kept against concurrent senders holds a lock from Admit
// to Write.
func (c *Conn) Admit(policy engine.SlowPolicy) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.admit(policy)
}

func (c *Conn) admit(policy engine.SlowPolicy) error {
	switch {
	case c.writable() != nil:
		return engine.ErrClosed
	case c.queue == nil || c.queue.size < c.cfg.Outbox:
		return nil
	case cmp.Or(policy, c.cfg.Slow) == engine.SlowDrop:
		c.cfg.Stats.Dropped.Add(1)
	default:
		c.cfg.Stats.Evicted.Add(1)
		c.cut(engine.ErrSlow)
	}
	return engine.ErrSlow
}

// Queued returns how many bytes wait.
func (c *Conn) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queue == nil {
		return 0
	}
	return c.queue.size
}

// Err returns why the connection cannot be written to any more:
// [engine.ErrSlow] for an evicted slow consumer, nil as long as it can.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close closes the connection once nothing waits, at the latest when the
// outbox has run into its timeout, and returns at once. Reads end now.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return net.ErrClosed
	}
	c.closing = true
	if c.queue == nil {
		return c.Conn.Close()
	}
	return c.Conn.SetReadDeadline(time.Unix(1, 0))
}

// CloseWrite ends the sending side once nothing waits (shutdown(2) with
// SHUT_WR) and returns at once. On a connection without half-close it only
// refuses further writes.
func (c *Conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut || c.closing {
		return nil
	}
	c.shut = true
	if c.queue == nil {
		return c.halfClose()
	}
	return nil
}

func (c *Conn) halfClose() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Cut closes the connection at once and drops what waits, here and in the
// kernel: the peer sees a reset.
func (c *Conn) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut(net.ErrClosed)
}

func (c *Conn) cut(cause error) {
	if c.err == nil {
		c.err = cause
	}
	if tcp, ok := c.Conn.(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0) // else it lives on as an orphan with a full buffer
	}
	c.closing = true
	_ = c.Conn.Close()
}

// Wait returns once nothing waits and no goroutine of c is left.
func (c *Conn) Wait() {
	c.mu.Lock()
	q := c.queue
	c.mu.Unlock()
	if q != nil {
		<-q.done
	}
}

// lingerBytes bounds what is read of a peer that is not listened to any more.
const lingerBytes = 1 << 20

// Linger ends the sending side and reads what the peer still sends, until the
// peer closes, has sent a megabyte or Config.WriteTimeout is over. A socket
// closed with unread bytes sends a reset, and a reset may overtake the close
// frame (RFC 6455 section 7.1.1).
func (c *Conn) Linger() {
	if c.CloseWrite() != nil {
		return
	}
	_ = c.Conn.SetReadDeadline(time.Now().Add(c.cfg.WriteTimeout))
	_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
}

// SetWriteDeadline sets no deadline: no write blocks, and the outbox has its own
// timeout. But to set one announces a last word, from which on [Conn.Offer] says no:
// gorilla/websocket gives a deadline to the close frame alone that it sends of its
// own accord.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if !t.IsZero() {
		c.mu.Lock()
		c.parting = true
		c.mu.Unlock()
	}
	return nil
}

// SetDeadline sets the read deadline.
func (c *Conn) SetDeadline(t time.Time) error { return c.Conn.SetReadDeadline(t) }

// flush sends what waits in q until nothing does or the connection fails.
func (c *Conn) flush(q *queue) {
	_ = c.Conn.SetWriteDeadline(time.Now().Add(c.cfg.WriteTimeout))
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.err == nil && q.size > 0 {
		iov := q.gather()
		c.mu.Unlock()
		n, err := c.writeSome(iov)
		c.mu.Lock()
		q.drop(n)
		switch {
		case err == nil || c.err != nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			if !c.closing {
				c.cfg.Stats.Evicted.Add(1)
			}
			c.cut(engine.ErrSlow)
		default:
			c.err = err
		}
	}
	q.drop(q.size)
	c.queue = nil
	close(q.done)
	_ = c.Conn.SetWriteDeadline(time.Time{})
	switch {
	case c.closing:
		_ = c.Conn.Close()
	case c.shut:
		_ = c.halfClose()
	}
}

// writeSome waits until the kernel takes anything of iov and returns how much
// it took, so that what waits is known exactly while a large queue drains.
func (c *Conn) writeSome(iov [][]byte) (n int, err error) {
	if c.raw == nil {
		return c.Conn.Write(iov[0])
	}
	wait := c.raw.Write(func(fd uintptr) bool {
		for {
			if n, err = unix.Writev(int(fd), iov); err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	})
	if wait != nil {
		return 0, wait
	}
	return max(n, 0), err
}
