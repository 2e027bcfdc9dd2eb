package coder

import (
	"context"
	"net"
	"strings"
	"sync/atomic"

	"github.com/coder/websocket"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/frame"
)

// A conn is one connection: the engine.Conn of the handler and the conns.Owner
// of its socket.
type conn struct {
	conns.Life
	ws     *websocket.Conn
	stream net.Conn // of net/http, TLS or not

	failing atomic.Bool   // the library is to read no more
	goodbye chan struct{} // closed when the library's closing handshake has ended; nil before it starts
}

var (
	_ engine.Conn = (*conn)(nil)
	_ conns.Owner = (*conn)(nil)
)

// Send implements [engine.Conn].
func (c *conn) Send(op engine.Opcode, p []byte) error {
	return c.Life.Send("", func() error { return c.ws.Write(context.Background(), messageType(op), p) })
}

// SendPrepared implements [engine.Conn].
func (c *conn) SendPrepared(m *engine.Prepared) error {
	return c.Life.Send(m.Slow, func() error { return c.ws.Write(context.Background(), messageType(m.Op), m.Payload) })
}

// messageType is the library's number of an opcode, which is the opcode.
func messageType(op engine.Opcode) websocket.MessageType { return websocket.MessageType(op) }

// Close implements [engine.Conn]. The library's Close waits for the peer, so it has a
// goroutine of its own.
func (c *conn) Close(code engine.CloseCode, reason string) error {
	return c.StartClosing(&engine.CloseError{Code: code, Reason: reason}, func() error {
		done := make(chan struct{})
		c.goodbye = done
		go func() {
			defer close(done)
			c.shakeHands(code, reason)
		}()
		return nil
	})
}

// shakeHands sends a close frame, unless one was sent, and waits for the peer's.
func (c *conn) shakeHands(code engine.CloseCode, reason string) {
	if len(reason) > frame.MaxReason {
		reason = strings.ToValidUTF8(reason[:frame.MaxReason], "")
	}
	_ = c.ws.Close(websocket.StatusCode(code), reason)
}

// Drain implements [conns.Owner].
func (c *conn) Drain() { _ = c.Close(engine.CloseGoingAway, "server is going away") }

// gotPing has the library answer, or not: a pong is bounded like a message, or else a
// peer that sends pings and reads nothing would fill the memory.
func (c *conn) gotPing(context.Context, []byte) bool {
	c.Socket.Touch()
	return c.Socket.Admit("") == nil
}

func (c *conn) gotPong(context.Context, []byte) { c.Socket.Touch() }
