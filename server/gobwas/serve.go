package gobwas

import (
	"errors"
	"io"
	"os"
	"runtime/debug"
	"syscall"
	"unsafe"

	"signalbench/server/bufpool"
	"signalbench/server/conns"
	"signalbench/server/engine"
)

const (
	// readBytes is how much one read takes into a borrowed buffer.
	readBytes = 16 << 10
	// tlsReadBytes is what a connection under TLS keeps for reading.
	tlsReadBytes = 1 << 10
)

// serve reads until the connection ends.
//
// A goroutine starts with 2 KiB of stack, about half of which is its own; when
// that does not suffice it gets 4 KiB and keeps them. From here to the bottom of
// an echo there are some ten frames, so each of them is kept small, and what is
// deep but not urgent (the end) is called from here. If the stack grew all the
// same, in a handler that needs more or an allocation that had to go far, the
// connection goes on in a new goroutine.
func (c *conn) serve() {
	defer c.rescue()
	raw := c.nc.Raw()
	if c.tls != nil || raw == nil {
		c.serveStream(make([]byte, tlsReadBytes))
		return
	}
	ready := c.read // bound once: for each wait it would be an allocation
	for small := conns.StackAddress(); conns.StackAddress() == small; {
		err := raw.Read(ready)
		if err == nil {
			if c.in == nil {
				err = c.ended()
			} else {
				err = c.parser.Feed(c.in.B, c.server.cfg.MaxMessage, (*sink)(c))
				bufpool.Put(c.in)
				c.in = nil
				c.listened()
			}
		}
		if err != nil {
			c.end(err)
			return
		}
	}
	go c.serve()
}

// rescue ends the connection if what the goroutine did panicked.
func (c *conn) rescue() {
	if v := recover(); v != nil {
		c.end(c.panicked(v))
	}
}

// read is called by RawConn.Read, first at once and then whenever the socket
// has become readable. It borrows a buffer for the attempt only, so a
// connection that waits holds none. It returns false to wait.
func (c *conn) read(fd uintptr) bool {
	b := bufpool.Get(readBytes)
	for {
		// The call does not wait, so the scheduler need not be told of it.
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b.B))), uintptr(cap(b.B)))
		switch {
		case errno == syscall.EINTR:
			continue
		case errno == 0 && n > 0:
			b.B = b.B[:n]
			c.in, c.inErr = b, 0
			return true
		}
		bufpool.Put(b)
		c.in, c.inErr = nil, errno
		return errno != syscall.EAGAIN
	}
}

// ended returns why there is nothing more to read.
func (c *conn) ended() error {
	if c.inErr != 0 {
		return os.NewSyscallError("read", c.inErr)
	}
	return io.EOF
}

// listened puts the end of the peer's silence off, if it said anything whole.
func (c *conn) listened() {
	if c.heard {
		c.heard = false
		c.nc.Touch()
	}
}

// serveStream reads where something between the socket and the frames holds
// bytes of its own, so that the socket does not tell whether there are any.
func (c *conn) serveStream(buf []byte) {
	for {
		n, err := c.stream().Read(buf)
		if n > 0 {
			if failed := c.feed(buf[:n]); failed != nil {
				err = failed
			}
		}
		if err != nil {
			c.end(err)
			return
		}
	}
}

// feed parses p and delivers what it completes.
func (c *conn) feed(p []byte) error {
	err := c.parser.Feed(p, c.server.cfg.MaxMessage, (*sink)(c))
	c.listened()
	return err
}

// end brings the connection to an end that began with err, tells the handler
// and lets everything go.
func (c *conn) end(err error) {
	c.parser.Release()
	cause := c.finish(err)
	_ = c.stream().Close()
	c.tell(cause)
	c.nc.Leave()
}

// finish says goodbye as err demands and returns the cause that the handler is
// told.
func (c *conn) finish(err error) error {
	if c.peerClosed {
		return c.own(nil)
	}
	if fail, ok := errors.AsType[*engine.CloseError](err); ok {
		return c.fail(fail)
	}
	if slow := c.nc.Err(); errors.Is(slow, engine.ErrSlow) {
		return slow
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return c.own(err)
	}
	if c.nc.Closing() {
		c.nc.Cut() // the peer has not answered the close frame
		return c.own(err)
	}
	c.server.cfg.Stats.TimedOut.Add(1)
	return c.fail(&engine.CloseError{Code: engine.ClosePolicyViolation, Reason: "silent for too long"})
}

// fail fails the connection (RFC 6455 section 7.1.7).
func (c *conn) fail(e *engine.CloseError) error {
	_ = c.sendClose(e.Code, e.Reason, e)
	c.linger()
	return c.own(e)
}

// linger lets what was written last arrive.
func (c *conn) linger() {
	if c.tls != nil {
		_ = c.tls.CloseWrite()
	}
	c.nc.Linger()
}

// own returns the cause that this side gave with its close frame, or else err.
func (c *conn) own(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return c.cause
	}
	return err
}

// panicked logs what a handler panicked with: it ends this connection alone.
func (c *conn) panicked(v any) error {
	c.server.cfg.Log.Error("handler panicked", "panic", v, "stack", string(debug.Stack()))
	return &engine.CloseError{Code: engine.CloseInternal, Reason: "internal error"}
}

// tell makes the last call to the handler.
func (c *conn) tell(cause error) {
	defer func() {
		if v := recover(); v != nil {
			_ = c.panicked(v)
		}
	}()
	c.server.handler.Closed(c, cause)
}
