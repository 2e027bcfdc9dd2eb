package gorilla

import (
	"net"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/frame"
)

// A conn is one connection: the engine.Conn of the handler and the conns.Owner
// of its socket.
type conn struct {
	server *server
	nc     *conns.Conn
	ws     *websocket.Conn

	mu     sync.Mutex         // the library wants one writer; held from Admit on, it keeps the outbox's bound
	cause  *engine.CloseError // of this side's close frame, unless it answered the peer's
	state  any
	closed bool // a close frame has been sent

	// Of the serving goroutine.
	peerClosed bool   // the peer's close frame has come
	ping       string // the payload of a ping while it is answered aside
}

var (
	_ engine.Conn = (*conn)(nil)
	_ conns.Owner = (*conn)(nil)
)

func newConn(s *server, nc *conns.Conn, ws *websocket.Conn) *conn {
	c := &conn{server: s, nc: nc, ws: ws}
	ws.SetReadLimit(int64(s.cfg.MaxMessage))
	ws.SetPingHandler(c.gotPing)
	if s.form.leave {
		ws.SetPingHandler(c.gotPingAside)
	}
	ws.SetPongHandler(c.gotPong)
	ws.SetCloseHandler(c.gotClose)
	return c
}

// Send implements [engine.Conn]. No write blocks, so none needs a deadline.
func (c *conn) Send(op engine.Opcode, p []byte) error {
	c.mu.Lock()
	if err := c.admit(""); err != nil {
		c.mu.Unlock()
		return err
	}
	failed := c.ws.WriteMessage(int(op), p) != nil
	c.mu.Unlock()
	if failed {
		return engine.ErrClosed
	}
	return nil
}

// SendPrepared implements [engine.Conn]. Without compression the library's frames are
// the same bytes, so the frame goes past it to the socket. The library writes a
// message of more than its buffer in two parts, and holds none back between calls: so
// no frame gets between two parts as long as mu is held. What the library writes
// without mu, the close frame for a peer that breaks the protocol, is one write, and
// nothing is offered behind it.
//
// (The library's own PreparedMessage takes 10 allocations, 4 KiB among them, for each
// message, which one for a few receivers does not earn back.) Below TLS there are no
// frames any more, so the library encodes it there.
func (c *conn) SendPrepared(m *engine.Prepared) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server.cfg.TLS == nil && !c.closed {
		return c.nc.Offer(m.Frame, m.Slow)
	}
	if err := c.admit(m.Slow); err != nil {
		return err
	}
	if c.ws.WriteMessage(int(m.Op), m.Payload) != nil {
		return engine.ErrClosed
	}
	return nil
}

// Home implements [engine.Conn]: every goroutine can write.
func (c *conn) Home() engine.Home { return nil }

// admit says whether one more message may be sent. It stays out of the stack frame of
// Send, see [conn.serveLean].
//
//go:noinline
func (c *conn) admit(policy engine.SlowPolicy) error {
	if c.closed {
		return engine.ErrClosed
	}
	return c.nc.Admit(policy)
}

// Close implements [engine.Conn].
func (c *conn) Close(code engine.CloseCode, reason string) error {
	return c.sendClose(code, reason, &engine.CloseError{Code: code, Reason: reason})
}

// Drain implements [conns.Owner].
func (c *conn) Drain() { _ = c.Close(engine.CloseGoingAway, "server is going away") }

// sendClose sends the only close frame of this side. A small frame at the end
// needs no room in the outbox.
func (c *conn) sendClose(code engine.CloseCode, reason string, cause *engine.CloseError) error {
	if len(reason) > frame.MaxReason {
		reason = strings.ToValidUTF8(reason[:frame.MaxReason], "")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return engine.ErrClosed
	}
	c.closed, c.cause = true, cause
	c.nc.StartClosing()
	if c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(int(code), reason), time.Time{}) != nil {
		return engine.ErrClosed
	}
	return nil
}

// gotPing answers. A pong is bounded like a message: else a peer that sends
// pings and reads nothing would fill the memory.
func (c *conn) gotPing(p string) error {
	c.nc.Touch()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.admit("") == nil {
		_ = c.ws.WriteControl(websocket.PongMessage, []byte(p), time.Time{})
	}
	return nil
}

// gotPingAside answers without the stack of the serving goroutine, which is half
// used where the library asks for it: to write a pong takes the other half.
func (c *conn) gotPingAside(p string) error {
	c.ping = p
	conns.Aside((*answer)(c))
	c.ping = ""
	return nil
}

// An answer is a conn that owes a pong.
type answer conn

// Run implements [conns.Task].
func (a *answer) Run() {
	c := (*conn)(a)
	_ = c.gotPing(c.ping)
}

func (c *conn) gotPong(string) error {
	c.nc.Touch()
	return nil
}

// gotClose answers the peer's close frame with its own code (RFC 6455 section
// 5.5.1), unless it is itself an answer.
func (c *conn) gotClose(code int, _ string) error {
	c.peerClosed = true
	_ = c.sendClose(engine.CloseCode(code), "", nil)
	return nil
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
func (c *conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }
