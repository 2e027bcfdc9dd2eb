package phoenix

// decode2 reads [join_ref, ref, topic, event, payload].
func (m *Message) decode2(p []byte) (err error) {
	s := scanner{p: p}
	if s.next() != '[' {
		return s.want("an array")
	}
	s.at++
	if m.JoinRef, m.JoinRefNumber, err = m.ref(&s); err != nil {
		return err
	}
	if err = s.comma(); err != nil {
		return err
	}
	if m.Ref, m.RefNumber, err = m.ref(&s); err != nil {
		return err
	}
	if err = s.comma(); err != nil {
		return err
	}
	if m.Topic, err = m.text(&s, "topic", MaxTopic); err != nil {
		return err
	}
	if err = s.comma(); err != nil {
		return err
	}
	if m.Event, err = m.text(&s, "event", MaxEvent); err != nil {
		return err
	}
	if err = s.comma(); err != nil {
		return err
	}
	if m.Payload, err = s.value(); err != nil {
		return err
	}
	for s.next() == ',' { // Phoenix lets more elements in
		s.at++
		if err = s.skip(); err != nil {
			return err
		}
	}
	if s.next() != ']' {
		return s.want("a comma or an end")
	}
	s.at++
	return s.end()
}

// comma reads the comma in front of an element that must be there.
func (s *scanner) comma() error {
	switch s.next() {
	case ',':
		s.at++
		return nil
	case ']':
		return s.fail("fewer than five elements")
	}
	return s.want("a comma")
}
