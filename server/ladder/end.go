package ladder

import (
	"errors"
	"os"
	"runtime/debug"

	"signalbench/server/engine"
)

// errRefused ends a handshake that was answered with an HTTP error.
var errRefused = errors.New("handshake refused")

// end brings the connection to an end that began with err, tells the handler and
// lets everything go. It may wait for the peer. Nobody else reads any more.
func (c *conn) end(err error) {
	c.parser.Release()
	if !c.opened {
		if errors.Is(err, errRefused) {
			c.nc.Linger()
		}
		_ = c.nc.Close()
		c.nc.Leave()
		return
	}
	cause := c.finish(err)
	c.stopWriting()
	_ = c.nc.Close()
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
	c.stopWriting() // the close frame is the last one
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

// catch is deferred around calls of the handler: a panic ends one connection.
func (c *conn) catch(err *error) {
	if v := recover(); v != nil {
		*err = c.panicked(v)
	}
}

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
