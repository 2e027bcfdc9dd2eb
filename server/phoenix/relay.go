package phoenix

// Fields is what a relay needs of a payload. It may be used again and again.
type Fields struct {
	// To is the member "to", nil if there is none or it is null. It aliases the
	// payload, or memory of Fields that the next ScanRelay uses again.
	To []byte

	inside           int  // behind the opening brace
	members          bool // whether there are any
	fromAt, fromEnds int  // the value of "from"; both 0 if there is none
	scratch          []byte
}

// ScanRelay reads the top-level members "to" and "from" of a payload, which must
// be an object, into f and steps over the others. It is an error if either is
// there twice, as two readers could then see two different ones, or if "to" is
// neither a string nor null. Every error is a [*DecodeError]; nothing is allocated
// but for a "to" with escapes that is longer than any before.
func ScanRelay(payload []byte, f *Fields) error {
	*f = Fields{scratch: f.scratch[:0]}
	s := scanner{p: payload}
	s.next()
	f.inside = s.at + 1
	to := false
	return s.members(func(name []byte, escaped bool) error {
		f.members = true
		switch {
		case same(name, escaped, "to"):
			if to {
				return s.fail("a second to")
			}
			to = true
			return f.scanTo(&s)
		case same(name, escaped, "from"):
			return f.scanFrom(&s)
		}
		return s.skip()
	})
}

func (f *Fields) scanTo(s *scanner) error {
	switch s.next() {
	case 'n':
		return s.literal("null")
	case '"':
	default:
		return s.want("a string as to")
	}
	to, escaped, err := s.text()
	if escaped && err == nil {
		f.scratch = appendUnescaped(f.scratch, to)
		to = f.scratch
	}
	f.To = to
	return err
}

// AppendFrom appends the payload that f was scanned from with the text from as
// its top-level member "from": in the place of the sender's own value, otherwise
// in front of the other members. Nothing else is changed.
func AppendFrom(dst, payload []byte, f *Fields, from []byte) []byte {
	if f.fromEnds > 0 {
		dst = append(dst, payload[:f.fromAt]...)
		dst = AppendString(dst, from)
		return append(dst, payload[f.fromEnds:]...)
	}
	dst = append(dst, payload[:f.inside]...)
	dst = append(dst, `"from":`...)
	dst = AppendString(dst, from)
	if f.members {
		dst = append(dst, ',')
	}
	return append(dst, payload[f.inside:]...)
}

// Member returns the value of a top-level member of a payload, raw and without
// space around it; of two with one name the last. A payload that is no valid
// object is a [*DecodeError].
func Member(payload []byte, key string) (raw []byte, ok bool, err error) {
	s := scanner{p: payload}
	err = s.members(func(name []byte, escaped bool) error {
		if !same(name, escaped, key) {
			return s.skip()
		}
		var err error
		raw, err = s.value()
		ok = true
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return raw, ok, nil
}
