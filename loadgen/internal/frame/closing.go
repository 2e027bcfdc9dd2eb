package frame

import (
	"encoding/binary"
	"unicode/utf8"
)

// A Code is the status of a close frame (RFC 6455 section 7.4.1).
type Code uint16

// The codes that this side sends, and NoStatus for a close frame without one.
const (
	Normal        Code = 1000
	ProtocolError Code = 1002
	NoStatus      Code = 1005 // never on the wire
)

// ParseClose reads the payload of a close frame.
func ParseClose(p []byte) (Code, error) {
	if len(p) == 0 {
		return NoStatus, nil
	}
	if len(p) == 1 {
		return 0, ErrCloseFrame
	}
	code := Code(binary.BigEndian.Uint16(p))
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
	default:
		return code, ErrCloseFrame
	}
	if !utf8.Valid(p[2:]) {
		return code, ErrCloseFrame
	}
	return code, nil
}
