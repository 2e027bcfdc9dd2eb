package frame

import "encoding/binary"

// MaxHeader is the longest header of a client's frame in octets.
const MaxHeader = 14

// Append appends one final, masked frame whose payload is head followed by
// body. Neither is changed or kept. The key must be unpredictable (RFC 6455
// section 10.3).
func Append(dst []byte, op Opcode, key Key, head, body []byte) []byte {
	const final, masked = 0x80, 0x80
	n := len(head) + len(body)
	switch {
	case n <= 125:
		dst = append(dst, final|byte(op), masked|byte(n))
	case n <= 0xFFFF:
		dst = append(dst, final|byte(op), masked|126, byte(n>>8), byte(n))
	default:
		dst = append(dst, final|byte(op), masked|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(key))
	dst = mask(dst, head, key, 0)
	return mask(dst, body, key, len(head))
}
