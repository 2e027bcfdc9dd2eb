package phoenix

import "fmt"

// A DecodeError says where and why bytes are not what they should be.
type DecodeError struct {
	Offset int // in bytes, into what was decoded
	Reason string
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("byte %d: %s", e.Offset, e.Reason)
}
