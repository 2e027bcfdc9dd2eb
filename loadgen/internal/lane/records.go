package lane

import (
	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/handshake"
)

// Records is the dialect of a server that echoes bytes: there is no handshake, and
// every so many bytes of the stream are a message.
type Records int

// Hello implements [Dialect].
func (Records) Hello(dst []byte, _, _ uint32, _ *handshake.Accept) []byte { return dst }

// Frame implements [Dialect]. Whoever sends sees to the size.
func (Records) Frame(dst []byte, _ frame.Opcode, head, body []byte) []byte {
	return append(append(dst, head...), body...)
}

// Cut implements [Dialect].
func (r Records) Cut(p []byte, _ int) (h frame.Header, payload []byte, size int, err error) {
	if len(p) < int(r) {
		return h, nil, 0, nil
	}
	return frame.Header{Final: true, Opcode: frame.Binary, Length: uint64(r)}, p[:r], int(r), nil
}

// Farewell implements [Dialect].
func (Records) Farewell(dst []byte, _ frame.Code) []byte { return dst }
