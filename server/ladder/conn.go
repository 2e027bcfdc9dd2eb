package ladder

import (
	"bufio"
	"net"
	"sync"

	"signalbench/server/bufpool"
	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/frame"
)

// A conn is one connection of any rung: the engine.Conn of the handler, the
// conns.Owner of its socket and, as a [sink], the frame.Sink of its parser.
type conn struct {
	server *server
	nc     *conns.Conn
	pair   *bufio.ReadWriter // net/http's, held as in the article; nil in rung D
	line   *line             // to the writing goroutine of rung A, else nil

	mu     sync.Mutex // held from Admit to the write, which keeps the outbox's bound
	cause  *engine.CloseError
	state  any
	closed bool // a close frame has been sent, or cannot be

	// Of whoever reads.
	parser     frame.Parser
	opened     bool // the handler has been told
	peerClosed bool // the peer's close frame has come
	heard      bool // a message or a control frame was completed

	watch
}

var (
	_ engine.Conn = (*conn)(nil)
	_ conns.Owner = (*conn)(nil)
)

// Send implements [engine.Conn].
func (c *conn) Send(op engine.Opcode, p []byte) error {
	b := bufpool.Get(frame.MaxHeaderLen + len(p))
	b.B = frame.AppendFrame(b.B, op, p)
	return c.send(letter{frame: b.B, buffer: b}, "")
}

// SendPrepared implements [engine.Conn].
func (c *conn) SendPrepared(m *engine.Prepared) error { return c.send(letter{frame: m.Frame}, m.Slow) }

// Home implements [engine.Conn]: every goroutine can write.
func (c *conn) Home() engine.Home { return nil }

func (c *conn) send(l letter, policy engine.SlowPolicy) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := engine.ErrClosed
	if !c.closed {
		err = c.nc.Admit(policy)
	}
	if err != nil {
		bufpool.Put(l.buffer)
		return err
	}
	return c.put(l)
}

// put sends a frame: to the writing goroutine of rung A; else straight to the
// kernel, and what that does not take waits in an outbox with a goroutine that ends
// with it. mu is held.
func (c *conn) put(l letter) error {
	if c.line != nil {
		c.line.letters <- l
		return nil
	}
	_, err := c.nc.Write(l.frame)
	bufpool.Put(l.buffer)
	if err != nil {
		return engine.ErrClosed
	}
	return nil
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return engine.ErrClosed
	}
	c.closed, c.cause = true, cause
	c.nc.StartClosing()
	return c.put(letter{frame: frame.AppendClose(nil, code, reason)})
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
