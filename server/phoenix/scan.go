package phoenix

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// A scanner reads JSON (RFC 8259) from p[at:]. It keeps no stack but the one of
// its caller: a hostile payload makes no goroutine's stack grow.
type scanner struct {
	p  []byte
	at int
}

func (s *scanner) fail(reason string) error {
	return &DecodeError{Offset: s.at, Reason: reason}
}

// want reports that something else stands where what should.
func (s *scanner) want(what string) error {
	if s.at >= len(s.p) {
		return s.fail("ends where " + what + " should be")
	}
	return s.fail(what + " expected")
}

// next skips white space and returns the byte behind it, 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.p); s.at++ {
		switch c := s.p[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// end reports anything but white space behind a message.
func (s *scanner) end() error {
	s.next()
	if s.at < len(s.p) {
		return s.fail("more behind the end")
	}
	return nil
}

// value reads any value and returns its bytes, without space around it.
func (s *scanner) value() ([]byte, error) {
	s.next()
	start := s.at
	if err := s.skip(); err != nil {
		return nil, err
	}
	return s.p[start:s.at], nil
}

// skip reads one value with all that is in it.
func (s *scanner) skip() error {
	var objects uint64 // the bit of a depth says that an object lies there, not an array
	for depth := 0; ; {
		var err error
		opened := false
		switch c := s.next(); {
		case c == '"':
			_, _, err = s.text()
		case c == '{' || c == '[':
			if depth == MaxDepth {
				return s.fail("nested too deep")
			}
			bit := uint64(1) << depth
			depth++
			objects &^= bit
			if c == '{' {
				objects |= bit
			}
			s.at++
			opened = true
		case c == '-' || '0' <= c && c <= '9':
			err = s.number()
		case c == 't':
			err = s.literal("true")
		case c == 'f':
			err = s.literal("false")
		case c == 'n':
			err = s.literal("null")
		default:
			err = s.want("a value")
		}
		if err != nil {
			return err
		}
		if depth, err = s.close(objects, depth, opened); err != nil {
			return err
		}
		if depth == 0 {
			return nil
		}
	}
}

// close reads from the end of a value, or from the beginning of a container that
// was just opened, to where the next value begins. It returns the depth of that,
// 0 if there is none.
func (s *scanner) close(objects uint64, depth int, opened bool) (int, error) {
	for depth > 0 {
		object := objects>>(depth-1)&1 == 1
		switch c := s.next(); {
		case object && c == '}' || !object && c == ']':
			s.at++
			depth--
			opened = false
			continue
		case opened:
		case c == ',':
			s.at++
		default:
			return 0, s.want("a comma or an end")
		}
		if object {
			_, _, err := s.key()
			return depth, err
		}
		return depth, nil
	}
	return 0, nil
}

// key reads the name of a member and the colon.
func (s *scanner) key() (raw []byte, escaped bool, err error) {
	if s.next() != '"' {
		return nil, false, s.want("a name")
	}
	if raw, escaped, err = s.text(); err != nil {
		return nil, false, err
	}
	if s.next() != ':' {
		return nil, false, s.want("a colon")
	}
	s.at++
	return raw, escaped, nil
}

// text reads a string, at its opening quote, and returns what stands between the
// quotes and whether there are escapes in it.
func (s *scanner) text() (raw []byte, escaped bool, err error) {
	s.at++
	start := s.at
	for {
		s.at += plain(s.p[s.at:])
		if s.at >= len(s.p) {
			return nil, false, s.want("the end of a string")
		}
		switch s.p[s.at] {
		case '"':
			raw = s.p[start:s.at]
			s.at++
			return raw, escaped, nil
		case '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return nil, false, err
			}
		default:
			return nil, false, s.fail("control character in a string")
		}
	}
}

// escape reads one escape sequence, at its backslash. A surrogate without its
// other half is let in, as by ECMAScript, which writes such.
func (s *scanner) escape() error {
	if s.at+1 >= len(s.p) {
		s.at++
		return s.want("an escape")
	}
	switch s.p[s.at+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at += 2
		return nil
	case 'u':
		if _, ok := hex4(s.p[s.at+2:]); !ok {
			return s.fail("escape without four hexadecimal digits")
		}
		s.at += 6
		return nil
	}
	return s.fail("unknown escape")
}

// plain counts the bytes up to the first that is a quote, a backslash or a
// control character, eight at once.
func plain(p []byte) int {
	const (
		ones = 0x0101010101010101
		high = 0x8080808080808080
	)
	n := 0
	for ; len(p)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(p[n:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		// The high bit of a byte is set if the byte is below 0x20, or 0 after the
		// exclusive or. A borrow can set further ones, but only above a true one.
		if hit := ((w-ones*0x20)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & high; hit != 0 {
			return n + bits.TrailingZeros64(hit)/8
		}
	}
	for n < len(p) && p[n] >= 0x20 && p[n] != '"' && p[n] != '\\' {
		n++
	}
	return n
}

func (s *scanner) number() error {
	if s.p[s.at] == '-' {
		s.at++
	}
	if s.at < len(s.p) && s.p[s.at] == '0' {
		s.at++
	} else if !s.digits() {
		return s.want("a digit")
	}
	if s.at < len(s.p) && s.p[s.at] == '.' {
		s.at++
		if !s.digits() {
			return s.want("a digit")
		}
	}
	if s.at < len(s.p) && s.p[s.at]|0x20 == 'e' {
		s.at++
		if s.at < len(s.p) && (s.p[s.at] == '+' || s.p[s.at] == '-') {
			s.at++
		}
		if !s.digits() {
			return s.want("a digit")
		}
	}
	return nil
}

// digits reads digits and reports whether there were any.
func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.p) && '0' <= s.p[s.at] && s.p[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}

func (s *scanner) literal(word string) error {
	if !bytes.HasPrefix(s.p[s.at:], []byte(word)) {
		return s.want("a value")
	}
	s.at += len(word)
	return nil
}
