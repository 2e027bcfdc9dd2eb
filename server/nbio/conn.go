package nbio

import (
	"cmp"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"signalbench/server/engine"
	"signalbench/server/frame"
)

// A conn is one upgraded connection.
type conn struct {
	server     *server
	nbc        *nbio.Conn
	ws         *websocket.Conn
	prev, next *conn // under server.mu

	mu         sync.Mutex // held from admit to the write, which keeps the outbox's bound
	state      any
	cause      *engine.CloseError // of this side's close frame, unless it answered the peer's
	closed     bool               // nothing more may be sent
	peerClosed bool               // the peer's close frame has come
	deadline   *time.Timer        // of the closing handshake and of the end
	silence    *time.Timer        // of Config.ReadTimeout, if there is one

	outbox
	deaf atomic.Bool // what the peer sends is not looked at any more
}

var _ engine.Conn = (*conn)(nil)

// Send implements [engine.Conn].
func (c *conn) Send(op engine.Opcode, p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.admit(""); err != nil {
		return err
	}
	if c.ws.WriteMessage(websocket.MessageType(op), p) != nil {
		return engine.ErrClosed
	}
	return nil
}

// SendPrepared implements [engine.Conn]: the library's frames are the same bytes, each
// of them one write to the socket below.
func (c *conn) SendPrepared(m *engine.Prepared) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.admit(m.Slow); err != nil {
		return err
	}
	if _, err := c.write(m.Frame); err != nil {
		return engine.ErrClosed
	}
	return nil
}

// admit says whether one more message may be sent, with mu held, and applies the
// policy if not.
func (c *conn) admit(policy engine.SlowPolicy) error {
	switch {
	case c.closed:
		return engine.ErrClosed
	case c.waiting.Load() < int64(c.server.cfg.Outbox):
		return nil
	case cmp.Or(policy, c.server.cfg.Slow) == engine.SlowDrop:
		c.server.cfg.Stats.Dropped.Add(1)
	default:
		c.server.cfg.Stats.Evicted.Add(1)
		c.closed = true
		c.cut(engine.ErrSlow)
	}
	return engine.ErrSlow
}

// Home implements [engine.Conn]: every goroutine can write.
func (c *conn) Home() engine.Home { return nil }

// Close implements [engine.Conn].
func (c *conn) Close(code engine.CloseCode, reason string) error {
	return c.sendClose(&engine.CloseError{Code: code, Reason: reason})
}

// sendClose sends the only close frame of this side. A small frame at the end needs no
// room in the outbox.
func (c *conn) sendClose(why *engine.CloseError) error {
	reason := why.Reason
	if len(reason) > frame.MaxReason {
		reason = strings.ToValidUTF8(reason[:frame.MaxReason], "")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return engine.ErrClosed
	}
	c.closed, c.cause = true, why
	c.within(c.server.cfg.WriteTimeout)
	c.saying.Store(true)
	defer c.saying.Store(false)
	if c.ws.WriteClose(int(why.Code), reason) != nil {
		return engine.ErrClosed
	}
	return nil
}

// answer sends the close frame that answers the peer's, with code, unless there has
// been one.
func (c *conn) answer(code int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peerClosed = true
	if c.closed {
		return
	}
	c.closed = true
	c.within(c.server.cfg.WriteTimeout)
	c.saying.Store(true)
	defer c.saying.Store(false)
	if code == int(engine.CloseNoStatus) {
		_ = c.ws.WriteMessage(websocket.CloseMessage, nil)
		return
	}
	_ = c.ws.WriteClose(code, "")
}

// within has the connection cut when d is over, with mu held.
func (c *conn) within(d time.Duration) {
	if c.deadline == nil {
		c.deadline = time.AfterFunc(d, func() { c.cut(errNoEnd) })
	}
}

// heard puts the end for silence off.
func (c *conn) heard() {
	if c.silence != nil {
		c.silence.Reset(c.server.cfg.ReadTimeout)
	}
}

// SetState implements [engine.Conn].
func (c *conn) SetState(v any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = v
}

// State implements [engine.Conn].
func (c *conn) State() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// RemoteAddr implements [engine.Conn].
func (c *conn) RemoteAddr() net.Addr { return c.nbc.RemoteAddr() }
