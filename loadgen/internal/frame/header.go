package frame

import (
	"encoding/binary"
	"errors"
)

// A Header is the header of a frame that a server sent.
type Header struct {
	Final  bool
	Opcode Opcode
	Length uint64 // octets of payload that follow the header
}

// What a server must not send. Each is a protocol violation.
var (
	ErrMasked     = errors.New("server masked a frame (RFC 6455 section 5.1)")
	ErrReserved   = errors.New("reserved bit set without an extension (RFC 6455 section 5.2)")
	ErrOpcode     = errors.New("reserved opcode (RFC 6455 section 5.2)")
	ErrControl    = errors.New("control frame fragmented or over 125 octets (RFC 6455 section 5.5)")
	ErrLength     = errors.New("payload length not in its shortest form (RFC 6455 section 5.2)")
	ErrFragment   = errors.New("fragments out of order (RFC 6455 section 5.4)")
	ErrCloseFrame = errors.New("malformed close frame (RFC 6455 sections 5.5.1 and 7.4)")
)

// Parse reads the header at the start of p and returns how many octets it
// takes, or 0 if it is not complete yet. What is certainly wrong is refused as
// early as the octets show it.
func Parse(p []byte) (h Header, size int, err error) {
	if len(p) < 2 {
		return h, 0, nil
	}
	h.Final = p[0]&0x80 != 0
	h.Opcode = Opcode(p[0] & 0x0F)
	short := p[1] & 0x7F
	switch {
	case p[0]&0x70 != 0:
		return h, 0, ErrReserved
	case p[1]&0x80 != 0:
		return h, 0, ErrMasked
	case !h.Opcode.known():
		return h, 0, ErrOpcode
	case h.Opcode.Control() && (!h.Final || short > 125):
		return h, 0, ErrControl
	}
	switch short {
	default:
		h.Length = uint64(short)
		return h, 2, nil
	case 126:
		if len(p) < 4 {
			return h, 0, nil
		}
		h.Length = uint64(binary.BigEndian.Uint16(p[2:]))
		if h.Length <= 125 {
			return h, 0, ErrLength
		}
		return h, 4, nil
	case 127:
		if len(p) < 10 {
			return h, 0, nil
		}
		h.Length = binary.BigEndian.Uint64(p[2:])
		if h.Length <= 0xFFFF || h.Length>>63 != 0 {
			return h, 0, ErrLength
		}
		return h, 10, nil
	}
}
