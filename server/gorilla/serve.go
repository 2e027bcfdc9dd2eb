package gorilla

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"signalbench/server/bufpool"
	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/overhttp"
)

// open tells the handler that there is a connection. It returns false if the
// connection has ended over that.
func (c *conn) open(r *engine.Request) (ok bool) {
	defer c.rescue()
	c.server.handler.Open(c, r)
	return true
}

// serveDocumented reads as the documentation does, until the connection ends.
// What the peer sends after this side's close frame is read, since its own close
// frame comes behind, but not delivered.
func (c *conn) serveDocumented() {
	defer c.rescue()
	for {
		op, p, err := c.ws.ReadMessage()
		if err == nil {
			err = checkText(op, p)
		}
		if err != nil {
			c.end(err)
			return
		}
		if !c.nc.Closing() {
			c.server.handler.Message(c, engine.Opcode(op), p)
		}
		c.nc.Touch()
	}
}

// serveLean reads each message into memory that goes back after it, until the
// connection ends.
//
// A goroutine starts with 2 KiB of stack, about half of which is its own; when
// that does not suffice it gets 4 KiB and keeps them. The library and the
// runtime below it use most of that, so there are few and small frames above.
// Once in some hundred messages the stack grows all the same: the library boxes
// the pool's buffer far down, and the allocator has to go further for the box.
// Then the connection goes on in a new goroutine. (Not under TLS, where each
// read needs more.)
func (c *conn) serveLean() {
	defer c.rescue()
	for small := conns.StackAddress(); conns.StackAddress() == small || c.server.cfg.TLS != nil; {
		op, r, err := c.ws.NextReader() // which waits: from here on down to where it does, a word more is too much
		if err == nil {
			err = c.deliver(op, r)
		}
		if err != nil {
			c.end(err)
			return
		}
	}
	go c.serveLean()
}

// deliver reads a message into borrowed memory and shows it to the handler.
//
//go:noinline
func (c *conn) deliver(op int, r io.Reader) error {
	b, err := readAll(r)
	if err == nil {
		err = checkText(op, b.B)
	}
	if err != nil {
		return err
	}
	if !c.nc.Closing() {
		c.server.handler.Message(c, engine.Opcode(op), b.B)
	}
	bufpool.Put(b)
	c.nc.Touch()
	return nil
}

// readAll reads all of r into borrowed memory, which is returned in any case.
func readAll(r io.Reader) (*bufpool.Buffer, error) {
	b := bufpool.Get(0)
	for {
		if len(b.B) == cap(b.B) {
			b = bufpool.Grow(b)
		}
		n, err := r.Read(b.B[len(b.B):cap(b.B)])
		b.B = b.B[:len(b.B)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// checkText holds a message against RFC 6455 section 8.1, which the library
// leaves to its user.
func checkText(op int, p []byte) error {
	if op == websocket.TextMessage && !utf8.Valid(p) {
		return &engine.CloseError{Code: engine.CloseInvalidPayload, Reason: "text is not UTF-8"}
	}
	return nil
}

// rescue ends the connection if what the goroutine did panicked.
func (c *conn) rescue() {
	if v := recover(); v != nil {
		c.end(c.panicked(v))
	}
}

// end brings the connection to an end that began with err, tells the handler
// and lets everything go.
func (c *conn) end(err error) {
	cause := c.finish(err)
	_ = c.ws.Close()
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
	if fail := refusalOf(err); fail != nil {
		return c.fail(fail)
	}
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		if websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
			err = io.ErrUnexpectedEOF // the library's word for it
		}
		return c.own(err)
	}
	if c.nc.Closing() {
		c.nc.Cut() // the peer has not answered the close frame
		return c.own(err)
	}
	c.server.cfg.Stats.TimedOut.Add(1)
	return c.fail(&engine.CloseError{Code: engine.ClosePolicyViolation, Reason: "silent for too long"})
}

// refusalOf returns the close frame that an error of the library stands for,
// nil if it is an error of the socket. The library has sent that frame already,
// but for one case: it calls a length with its highest bit set over the limit
// and says nothing. What is sent a second time does not go out.
func refusalOf(err error) *engine.CloseError {
	const prefix = "websocket: "
	if errors.Is(err, websocket.ErrReadLimit) {
		return &engine.CloseError{Code: engine.CloseTooBig, Reason: "message too big"}
	}
	_, isNet := errors.AsType[net.Error](err)
	_, isClose := errors.AsType[*websocket.CloseError](err)
	if reason, ok := strings.CutPrefix(err.Error(), prefix); ok && !isNet && !isClose {
		return &engine.CloseError{Code: engine.CloseProtocolError, Reason: reason}
	}
	return nil
}

// fail fails the connection (RFC 6455 section 7.1.7).
func (c *conn) fail(e *engine.CloseError) error {
	_ = c.sendClose(e.Code, e.Reason, e)
	if t, ok := overhttp.Underlying(c.ws.NetConn()).(*tls.Conn); ok {
		_ = t.CloseWrite()
	}
	c.nc.Linger()
	return c.own(e)
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
