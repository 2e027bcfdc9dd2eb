package phoenix

// ScanFrom is [ScanRelay] for a payload that is not for one peer: "to" means
// nothing there, and Fields.To stays nil.
func ScanFrom(payload []byte, f *Fields) error {
	*f = Fields{scratch: f.scratch[:0]}
	s := scanner{p: payload}
	s.next()
	f.inside = s.at + 1
	return s.members(func(name []byte, escaped bool) error {
		f.members = true
		if !same(name, escaped, "from") {
			return s.skip()
		}
		return f.scanFrom(&s)
	})
}

func (f *Fields) scanFrom(s *scanner) error {
	if f.fromEnds > 0 {
		return s.fail("a second from")
	}
	value, err := s.value()
	f.fromAt, f.fromEnds = s.at-len(value), s.at
	return err
}
