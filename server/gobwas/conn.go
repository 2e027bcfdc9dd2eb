package gobwas

import (
	"crypto/tls"
	"net"
	"sync"
	"syscall"

	"signalbench/server/bufpool"
	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/frame"
)

// A conn is one connection: the engine.Conn of the handler, the conns.Owner of
// its socket and, as a [sink], the frame.Sink of its parser.
type conn struct {
	server *server
	nc     *conns.Conn
	tls    *tls.Conn // nil without TLS

	mu     sync.Mutex         // held from Admit to Write, which keeps the outbox's bound
	closed bool               // a close frame has been sent
	cause  *engine.CloseError // of that close frame, unless it answered the peer's
	state  any

	// Of the serving goroutine.
	parser     frame.Parser
	in         *bufpool.Buffer // what was read, nil after an error and at the end of the stream
	inErr      syscall.Errno   // of the last read
	peerClosed bool            // the peer's close frame has come
	heard      bool            // a message or a control frame was completed
}

var (
	_ engine.Conn = (*conn)(nil)
	_ frame.Sink  = (*sink)(nil)
	_ conns.Owner = (*conn)(nil)
)

// stream is what frames go through.
func (c *conn) stream() net.Conn {
	if c.tls != nil {
		return c.tls
	}
	return c.nc
}

// Send implements [engine.Conn]. (Its own stack frame is kept small, see
// [conn.serve].)
func (c *conn) Send(op engine.Opcode, p []byte) error {
	b := encode(op, p)
	c.mu.Lock()
	err := c.admit("")
	if err == nil {
		if _, failed := c.stream().Write(b.B); failed != nil {
			err = engine.ErrClosed
		}
	}
	c.mu.Unlock()
	bufpool.Put(b)
	return err
}

// SendPrepared implements [engine.Conn].
func (c *conn) SendPrepared(m *engine.Prepared) error {
	c.mu.Lock()
	err := c.admit(m.Slow)
	if err == nil {
		if _, failed := c.stream().Write(m.Frame); failed != nil {
			err = engine.ErrClosed
		}
	}
	c.mu.Unlock()
	return err
}

// Home implements [engine.Conn]: every goroutine can write.
func (c *conn) Home() engine.Home { return nil }

// admit says whether one more message may be sent.
func (c *conn) admit(policy engine.SlowPolicy) error {
	if c.closed {
		return engine.ErrClosed
	}
	return c.nc.Admit(policy)
}

// encode returns a message as a frame in borrowed memory.
//
//go:noinline
func encode(op engine.Opcode, p []byte) *bufpool.Buffer {
	b := bufpool.Get(frame.MaxHeaderLen + len(p))
	b.B = frame.AppendFrame(b.B, op, p)
	return b
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
	if _, err := c.stream().Write(frame.AppendClose(nil, code, reason)); err != nil {
		return engine.ErrClosed
	}
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
