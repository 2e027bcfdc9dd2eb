package ladder

import (
	"signalbench/server/engine"
	"signalbench/server/frame"
)

// A sink is a conn as its parser sees it: the frames of the peer. (A type of its
// own because both sides have a method Close.)
type sink conn

var _ frame.Sink = (*sink)(nil)

// Message delivers a message. What the peer sends after this side's close frame
// is read, since its own close frame comes behind, but not delivered.
func (s *sink) Message(op engine.Opcode, p []byte) {
	s.heard = true
	if !s.Socket.Closing() {
		s.server.handler.Message((*conn)(s), op, p)
	}
}

// Ping answers. A pong is bounded like a message: else a peer that sends pings
// and reads nothing would fill the memory.
func (s *sink) Ping(p []byte) {
	s.heard = true
	_ = (*conn)(s).Send(frame.OpPong, p)
}

// Pong ends a silence.
func (s *sink) Pong([]byte) { s.heard = true }

// Close answers the peer's close frame with its own code (RFC 6455 section
// 5.5.1), unless it is itself an answer.
func (s *sink) Close(code engine.CloseCode, _ []byte) {
	s.peerClosed = true
	_ = (*conn)(s).sendClose(code, "", nil)
}

// open tells the handler that there is a connection, and delivers what came glued
// to the request.
func (c *conn) open(r *engine.Request, behind []byte) (err error) {
	defer c.Rescue(&err)
	c.server.handler.Open(c, r)
	return c.feed(behind)
}

// feed parses p, which it may write to, and delivers what it completes.
func (c *conn) feed(p []byte) error {
	err := c.parser.Feed(p, c.server.cfg.MaxMessage, (*sink)(c))
	if c.heard {
		c.heard = false
		c.Socket.Touch()
	}
	return err
}
