package ladder

import (
	"bufio"

	"signalbench/server/bufpool"
	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/frame"
)

// A conn is one connection of any rung: the engine.Conn of the handler, the
// conns.Owner of its socket and, as a [sink], the frame.Sink of its parser.
type conn struct {
	conns.Life
	server *server
	pair   *bufio.ReadWriter // net/http's, held as in the article; nil in rung D
	line   *line             // to the writing goroutine of rung A, else nil

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

func (c *conn) send(l letter, policy engine.SlowPolicy) error {
	admitted := false
	err := c.Life.Send(policy, func() error {
		admitted = true
		return c.put(l)
	})
	if !admitted {
		bufpool.Put(l.buffer)
	}
	return err
}

// put sends a frame: to the writing goroutine of rung A; else straight to the
// kernel, and what that does not take waits in an outbox with a goroutine that ends
// with it. One call at a time, from the Life's.
func (c *conn) put(l letter) error {
	if c.line != nil {
		c.line.letters <- l
		return nil
	}
	_, err := c.Socket.Write(l.frame)
	bufpool.Put(l.buffer)
	return err
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
	return c.StartClosing(cause, func() error { return c.put(letter{frame: frame.AppendClose(nil, code, reason)}) })
}
