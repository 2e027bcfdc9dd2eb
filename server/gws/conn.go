package gws

import (
	"log/slog"
	"net"
	"strings"

	"github.com/lxzan/gws"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/frame"
)

// A conn is one connection: the engine.Conn of the handler and the conns.Owner
// of its socket.
type conn struct {
	conns.Life
	ws     *gws.Conn
	stream net.Conn // of net/http, TLS or not
	log    *slog.Logger

	// Of the serving goroutine.
	request *engine.Request // until the handler has been told
	failed  error           // of the socket
	why     error           // with which reading has ended, see conns.Life.Finish
}

var (
	_ engine.Conn = (*conn)(nil)
	_ conns.Owner = (*conn)(nil)
)

// Send implements [engine.Conn].
func (c *conn) Send(op engine.Opcode, p []byte) error {
	return c.Life.Send("", func() error { return c.ws.WriteMessage(gws.Opcode(op), p) })
}

// SendPrepared implements [engine.Conn].
func (c *conn) SendPrepared(m *engine.Prepared) error {
	return c.Life.Send(m.Slow, func() error { return c.ws.WriteMessage(gws.Opcode(m.Op), m.Payload) })
}

// Close implements [engine.Conn].
func (c *conn) Close(code engine.CloseCode, reason string) error {
	return c.close(&engine.CloseError{Code: code, Reason: reason})
}

func (c *conn) close(why *engine.CloseError) error {
	return c.StartClosing(why, func() error {
		reason := why.Reason
		if len(reason) > frame.MaxReason {
			reason = strings.ToValidUTF8(reason[:frame.MaxReason], "")
		}
		return c.ws.WriteClose(uint16(why.Code), []byte(reason))
	})
}

// Drain implements [conns.Owner].
func (c *conn) Drain() { _ = c.Close(engine.CloseGoingAway, "server is going away") }
