package lane

import (
	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/handshake"
)

// A Dialect is what is spoken on connections: how one is opened, where a message
// begins and ends in the stream of bytes, and how one ends. It belongs to one lane's
// thread, and knows nothing of a single connection.
type Dialect interface {
	// Hello appends what connection n of the run sends first to its destination, and
	// writes to accept what the response must say. Where it appends nothing, a
	// connection is open as soon as it is established.
	Hello(dst []byte, n, destination uint32, accept *handshake.Accept) []byte
	// Frame appends a message or control frame whose payload is head followed by body,
	// of which neither is changed or kept.
	Frame(dst []byte, op frame.Opcode, head, body []byte) []byte
	// Cut returns the frame at the start of p, whose payload lies in p, and its size
	// with its header; 0 if it is not whole yet. A payload of more than most bytes is
	// an error, like whatever a server must not send.
	Cut(p []byte, most int) (h frame.Header, payload []byte, size int, err error)
	// Farewell appends what this side sends last. Where it appends nothing, the end
	// of the stream is all that the server is told.
	Farewell(dst []byte, code frame.Code) []byte
}
