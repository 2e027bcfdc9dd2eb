package phoenix

// ref reads a ref: a string, a number or null.
func (m *Message) ref(s *scanner) (text []byte, number bool, err error) {
	switch c := s.next(); {
	case c == '"':
		text, err = m.text(s, "ref", MaxRef)
		return text, false, err
	case c == 'n':
		return nil, false, s.literal("null")
	case c == '-' || '0' <= c && c <= '9':
		start := s.at
		if err := s.number(); err != nil {
			return nil, false, err
		}
		if s.at-start > MaxRef {
			return nil, false, &DecodeError{Offset: start, Reason: "ref is too long"}
		}
		return s.p[start:s.at], true, nil
	}
	return nil, false, s.want("a ref")
}

// text reads a string of at most limit bytes. It is not nil.
func (m *Message) text(s *scanner, name string, limit int) ([]byte, error) {
	if s.next() != '"' {
		return nil, s.want("the " + name)
	}
	start := s.at
	text, escaped, err := s.text()
	if err != nil {
		return nil, err
	}
	if escaped {
		begin := len(m.scratch)
		m.scratch = appendUnescaped(m.scratch, text)
		text = m.scratch[begin:len(m.scratch):len(m.scratch)]
	}
	if len(text) > limit {
		return nil, &DecodeError{Offset: start, Reason: name + " is too long"}
	}
	return text, nil
}
