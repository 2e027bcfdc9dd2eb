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
	peerClosed bool            // the peer's close frame has come
	inErr      syscall.Errno   // what the last read returned, as is in
	in         *bufpool.Buffer // nil at the end of the stream
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

// Send implements [engine.Conn].
func (c *conn) Send(op engine.Opcode, p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return engine.ErrClosed
	}
	if err := c.nc.Admit(); err != nil {
		return err
	}
	b := bufpool.Get(frame.MaxHeaderLen + len(p))
	b.B = frame.AppendFrame(b.B, op, p)
	_, err := c.stream().Write(b.B)
	bufpool.Put(b)
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
