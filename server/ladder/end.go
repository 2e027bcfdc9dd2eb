package ladder

import (
	"errors"

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
			c.Socket.Linger()
		}
		_ = c.Socket.Close()
		c.Socket.Leave()
		return
	}
	if c.peerClosed {
		err = nil
	}
	cause := c.Finish(err, c.fail)
	c.stopWriting()
	_ = c.Socket.Close()
	c.End(c, cause)
}

// fail fails the connection (RFC 6455 section 7.1.7).
func (c *conn) fail(e *engine.CloseError) {
	_ = c.sendClose(e.Code, e.Reason, e)
	c.stopWriting() // the close frame is the last one
	c.Socket.Linger()
}
