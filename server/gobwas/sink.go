package gobwas

import "signalbench/server/engine"

// A sink is a conn as its parser sees it: the frames of the peer. (A type of its
// own because both sides have a method Close.)
type sink conn

// opPong is the opcode of a pong (RFC 6455 section 11.8).
const opPong engine.Opcode = 0xA

// Message delivers a message. What the peer sends after this side's close frame
// is read, since its own close frame comes behind, but not delivered.
func (s *sink) Message(op engine.Opcode, p []byte) {
	s.heard = true
	if !s.nc.Closing() {
		s.server.handler.Message((*conn)(s), op, p)
	}
}

// Ping answers. A pong is bounded like a message: else a peer that sends pings
// and reads nothing would fill the memory.
func (s *sink) Ping(p []byte) {
	s.heard = true
	_ = (*conn)(s).Send(opPong, p)
}

// Pong ends a silence.
func (s *sink) Pong([]byte) { s.heard = true }

// Close answers the peer's close frame with its own code (RFC 6455 section
// 5.5.1), unless it is itself an answer.
func (s *sink) Close(code engine.CloseCode, _ []byte) {
	s.peerClosed = true
	_ = (*conn)(s).sendClose(code, "", nil)
}
