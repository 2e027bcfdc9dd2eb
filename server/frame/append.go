package frame

import (
	"encoding/binary"
	"unicode/utf8"

	"signalbench/server/engine"
)

// MaxReason is how many bytes of a reason a close frame has room for: 125 less
// the code (RFC 6455 section 5.5).
const MaxReason = maxControl - 2

// MaxHeaderLen is the longest header that AppendHeader appends: a server's
// frames carry no mask.
const MaxHeaderLen = maxHeader - 4

// AppendHeader appends the header of an unfragmented, unmasked frame with a
// payload of n bytes, its length in the shortest form (RFC 6455 section 5.2).
func AppendHeader(dst []byte, op engine.Opcode, n int) []byte {
	b0 := bitFin | byte(op)
	switch {
	case n < len16:
		return append(dst, b0, byte(n))
	case n <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(dst, b0, len16), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, b0, len64), uint64(n))
	}
}

// AppendFrame appends a whole unfragmented message, or a control frame, whose
// payload the caller keeps within 125 bytes.
func AppendFrame(dst []byte, op engine.Opcode, p []byte) []byte {
	return append(AppendHeader(dst, op, len(p)), p...)
}

// Prepare encodes a message for any number of receivers. p is copied.
func Prepare(op engine.Opcode, p []byte) *engine.Prepared {
	f := AppendFrame(make([]byte, 0, MaxHeaderLen+len(p)), op, p)
	return &engine.Prepared{Op: op, Frame: f, Payload: f[len(f)-len(p):]}
}

// AppendClose appends a close frame. The codes that must never be on the wire
// (RFC 6455 section 7.4.1) become a frame without a body. A reason is cut at the
// last character that fits into [MaxReason] bytes.
func AppendClose(dst []byte, code engine.CloseCode, reason string) []byte {
	if code == engine.CloseNoStatus || code == engine.CloseAbnormal || code == 1015 {
		return AppendHeader(dst, OpClose, 0)
	}
	if len(reason) > MaxReason {
		i := MaxReason
		for i > 0 && !utf8.RuneStart(reason[i]) {
			i--
		}
		reason = reason[:i]
	}
	dst = AppendHeader(dst, OpClose, 2+len(reason))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}
