package phoenix

// decode1 reads an object with topic, event, payload, ref and join_ref.
func (m *Message) decode1(p []byte) error {
	s := scanner{p: p}
	if err := s.members(func(name []byte, escaped bool) (err error) {
		switch {
		case same(name, escaped, "topic"):
			m.Topic, err = m.text(&s, "topic", MaxTopic)
		case same(name, escaped, "event"):
			m.Event, err = m.text(&s, "event", MaxEvent)
		case same(name, escaped, "payload"):
			m.Payload, err = s.value()
		case same(name, escaped, "ref"):
			m.Ref, m.RefNumber, err = m.ref(&s)
		case same(name, escaped, "join_ref"):
			m.JoinRef, m.JoinRefNumber, err = m.ref(&s)
		default:
			err = s.skip()
		}
		return err
	}); err != nil {
		return err
	}
	switch {
	case m.Topic == nil:
		return s.fail("no topic")
	case m.Event == nil:
		return s.fail("no event")
	case m.Payload == nil:
		return s.fail("no payload")
	}
	return nil
}

// members reads an object and what is around it to the end. It calls member at
// each value with the name of it, which must read the value.
func (s *scanner) members(member func(name []byte, escaped bool) error) error {
	if s.next() != '{' {
		return s.want("an object")
	}
	s.at++
	if s.next() == '}' {
		s.at++
		return s.end()
	}
	for {
		name, escaped, err := s.key()
		if err != nil {
			return err
		}
		if err := member(name, escaped); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.at++
		case '}':
			s.at++
			return s.end()
		default:
			return s.want("a comma or an end")
		}
	}
}
