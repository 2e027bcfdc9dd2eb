package frame

import (
	"encoding/binary"

	"signalbench/server/engine"
)

// The other opcodes of RFC 6455 section 5.2 that [engine.Opcode] has no name for,
// because no handler ever sees them.
const (
	OpContinuation engine.Opcode = 0x0
	OpClose        engine.Opcode = 0x8
	OpPing         engine.Opcode = 0x9
	OpPong         engine.Opcode = 0xA
)

// Bits of the first two bytes of a frame (RFC 6455 section 5.2).
const (
	bitFin    = 0x80
	bitsRSV   = 0x70
	bitsOp    = 0x0F
	bitMask   = 0x80
	bitsLen   = 0x7F
	len16     = 126 // the length is in the next 2 bytes
	len64     = 127 // the length is in the next 8 bytes
	maxHeader = 14  // 2, 8 of length, 4 of mask
	// maxControl is the longest payload of a control frame (section 5.5).
	maxControl = 125
)

// Refusals, by section of RFC 6455. They are shared: nobody may change them.
var (
	errRSV        = &engine.CloseError{Code: engine.CloseProtocolError, Reason: "reserved bit set"}
	errOpcode     = &engine.CloseError{Code: engine.CloseProtocolError, Reason: "reserved opcode"}
	errUnmasked   = &engine.CloseError{Code: engine.CloseProtocolError, Reason: "unmasked frame"}
	errControlFin = &engine.CloseError{Code: engine.CloseProtocolError, Reason: "fragmented control frame"}
	errControlLen = &engine.CloseError{Code: engine.CloseProtocolError, Reason: "control frame over 125 bytes"}
	errMinimal    = &engine.CloseError{Code: engine.CloseProtocolError, Reason: "length not in its shortest form"}
	errLength     = &engine.CloseError{Code: engine.CloseProtocolError, Reason: "length over 63 bits"}
	errOrphan     = &engine.CloseError{Code: engine.CloseProtocolError, Reason: "continuation of nothing"}
	errInterleave = &engine.CloseError{Code: engine.CloseProtocolError, Reason: "new message inside a message"}
	errClosePart  = &engine.CloseError{Code: engine.CloseProtocolError, Reason: "close frame of one byte"}
	errCloseCode  = &engine.CloseError{Code: engine.CloseProtocolError, Reason: "invalid close code"}
	errReason     = &engine.CloseError{Code: engine.CloseInvalidPayload, Reason: "close reason is not UTF-8"}
	errText       = &engine.CloseError{Code: engine.CloseInvalidPayload, Reason: "text is not UTF-8"}
	errTooBig     = &engine.CloseError{Code: engine.CloseTooBig, Reason: "message too big"}
)

// header is the header of one frame of a client.
type header struct {
	length uint64
	mask   [4]byte
	op     engine.Opcode
	fin    bool
}

func (h *header) control() bool { return h.op >= OpClose }

// parseHeader reads the header at the start of b. n is its length in bytes, or
// 0 while b is too short for it. What two bytes already show to be wrong is
// refused with two bytes.
func parseHeader(b []byte) (h header, n int, err error) {
	if len(b) == 0 {
		return h, 0, nil
	}
	h.fin = b[0]&bitFin != 0
	h.op = engine.Opcode(b[0] & bitsOp)
	if b[0]&bitsRSV != 0 {
		return h, 0, errRSV // section 5.2: no extension was negotiated
	}
	if h.op > engine.OpBinary && h.op < OpClose || h.op > OpPong {
		return h, 0, errOpcode // section 5.2: reserved for further frames
	}
	if h.control() && !h.fin {
		return h, 0, errControlFin // section 5.5
	}
	if len(b) < 2 {
		return h, 0, nil
	}
	if b[1]&bitMask == 0 {
		return h, 0, errUnmasked // section 5.1: a server must close
	}
	h.length = uint64(b[1] & bitsLen)
	if h.control() && h.length > maxControl {
		return h, 0, errControlLen // section 5.5
	}
	n = 2
	switch h.length {
	case len16:
		if len(b) < 4 {
			return h, 0, nil
		}
		h.length, n = uint64(binary.BigEndian.Uint16(b[2:])), 4
		if h.length < len16 {
			return h, 0, errMinimal // section 5.2: the minimal number of bytes must be used
		}
	case len64:
		if len(b) < 10 {
			return h, 0, nil
		}
		h.length, n = binary.BigEndian.Uint64(b[2:]), 10
		if h.length > 1<<63-1 {
			return h, 0, errLength // section 5.2: the most significant bit must be 0
		}
		if h.length <= 0xFFFF {
			return h, 0, errMinimal
		}
	}
	if len(b) < n+4 {
		return h, 0, nil
	}
	copy(h.mask[:], b[n:])
	return h, n + 4, nil
}
