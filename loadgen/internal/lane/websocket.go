package lane

import (
	crand "crypto/rand"
	"encoding/binary"
	"math/rand/v2"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/handshake"
	"signalbench/loadgen/internal/target"
)

// webSocket is the dialect of RFC 6455.
type webSocket struct {
	target *target.Target
	random *rand.ChaCha8 // of nonces and masking keys
}

func newWebSocket(t *target.Target) *webSocket {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	return &webSocket{t, rand.NewChaCha8(seed)}
}

func (w *webSocket) key() frame.Key { return frame.Key(w.random.Uint64()) }

// Hello implements [Dialect].
func (w *webSocket) Hello(dst []byte, n, destination uint32, accept *handshake.Accept) []byte {
	var nonce [handshake.KeySize]byte
	binary.LittleEndian.PutUint64(nonce[0:], w.random.Uint64())
	binary.LittleEndian.PutUint64(nonce[8:], w.random.Uint64())
	return w.target.Request(destination).Append(dst, n, &nonce, accept)
}

// Frame implements [Dialect].
func (w *webSocket) Frame(dst []byte, op frame.Opcode, head, body []byte) []byte {
	return frame.Append(dst, op, w.key(), head, body)
}

// Cut implements [Dialect].
func (*webSocket) Cut(p []byte, most int) (h frame.Header, payload []byte, size int, err error) {
	h, n, err := frame.Parse(p)
	if err == nil && h.Length > uint64(most) {
		err = errTooLong
	}
	if err != nil || n == 0 || uint64(len(p)-n) < h.Length {
		return h, nil, 0, err
	}
	size = n + int(h.Length)
	return h, p[n:size], size, nil
}

// Farewell implements [Dialect].
func (w *webSocket) Farewell(dst []byte, code frame.Code) []byte {
	var p [2]byte
	binary.BigEndian.PutUint16(p[:], uint16(code))
	body := p[:]
	if code == frame.NoStatus {
		body = nil
	}
	return frame.Append(dst, frame.Close, w.key(), nil, body)
}
