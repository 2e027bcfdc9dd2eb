package netpoll

import (
	"signalbench/server/engine"
	"signalbench/server/frame"
)

// Why a server closes; shared, so nobody may change them.
var (
	goingAway = &engine.CloseError{Code: engine.CloseGoingAway, Reason: "server is shutting down"}
	internal  = &engine.CloseError{Code: engine.CloseInternal, Reason: "internal error"}
	silent    = &engine.CloseError{Code: engine.ClosePolicyViolation, Reason: "silent for too long"}
)

// A sink is a conn as the parser sees it.
type sink conn

var _ frame.Sink = (*sink)(nil)

// Message implements [frame.Sink].
func (s *sink) Message(op engine.Opcode, p []byte) {
	c := (*conn)(s)
	c.loop.moved = true
	if c.phase.Load() == open { // else it was closed or evicted meanwhile
		c.loop.handler.Message(c, op, p)
	}
}

// Ping implements [frame.Sink]: the answer is a pong with the same payload (RFC
// 6455 section 5.5.3). It is bounded like a message.
func (s *sink) Ping(p []byte) {
	c := (*conn)(s)
	c.loop.moved = true
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.admit("") == nil {
		var b [frame.MaxHeaderLen]byte
		c.put(frame.AppendHeader(b[:0], frame.OpPong, len(p)), p)
	}
}

// Pong implements [frame.Sink]: it is a sign of life and nothing else.
func (s *sink) Pong([]byte) { (*conn)(s).loop.moved = true }

// Close implements [frame.Sink]: the peer's close frame is answered with its own
// code, unless it is the answer, and the server ends the TCP connection first
// (RFC 6455 sections 5.5.1 and 7.1.1).
func (s *sink) Close(code engine.CloseCode, _ []byte) {
	c := (*conn)(s)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.phase.Load() {
	case open:
		c.enter(ending)
		var b [frame.MaxHeaderLen + 2]byte
		c.put(frame.AppendClose(b[:0], code, ""), nil)
	case closing:
		c.enter(ending)
	}
}
