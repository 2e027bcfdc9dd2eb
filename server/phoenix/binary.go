package phoenix

import (
	"fmt"
	"unicode/utf8"
)

// A Kind is the first byte of a binary message.
type Kind uint8

// The kinds.
const (
	KindPush      Kind = iota // of a client: join ref, ref, topic, event
	KindReply                 // join ref, ref, topic, status
	KindBroadcast             // topic, event
)

func (m *Message) decodeBinary(p []byte) error {
	if len(p) == 0 {
		return &DecodeError{Reason: "empty binary message"}
	}
	m.Binary, m.Kind = true, Kind(p[0])
	var into [4]*[]byte
	fields := into[:0]
	switch m.Kind {
	case KindPush:
		fields = append(fields, &m.JoinRef, &m.Ref, &m.Topic, &m.Event)
	case KindReply:
		fields = append(fields, &m.JoinRef, &m.Ref, &m.Topic, &m.Status)
		m.scratch = append(m.scratch, ReplyEvent...)
		m.Event = m.scratch
	case KindBroadcast:
		fields = append(fields, &m.Topic, &m.Event)
	default:
		return &DecodeError{Reason: "unknown kind of binary message"}
	}
	at := 1 + len(fields)
	if len(p) < at {
		return &DecodeError{Offset: len(p), Reason: "binary message ends in its header"}
	}
	for i, f := range fields {
		n := int(p[1+i])
		if len(p)-at < n {
			return &DecodeError{Offset: len(p), Reason: "binary message ends in its header"}
		}
		*f = p[at : at+n : at+n]
		if !utf8.Valid(*f) {
			return &DecodeError{Offset: at, Reason: "binary message has a header that is not UTF-8"}
		}
		at += n
	}
	if len(m.JoinRef) == 0 {
		m.JoinRef = nil
	}
	if len(m.Ref) == 0 {
		m.Ref = nil
	}
	m.Payload = p[at:]
	return nil
}

// AppendBinary appends m, of which the fields that the kind has are read, as a
// binary message of [V2]. A field of more than 255 bytes is an error.
func AppendBinary(dst []byte, kind Kind, m *Message) ([]byte, error) {
	var room [4][]byte
	fields := room[:0]
	switch kind {
	case KindPush:
		fields = append(fields, m.JoinRef, m.Ref, m.Topic, m.Event)
	case KindReply:
		fields = append(fields, m.JoinRef, m.Ref, m.Topic, m.Status)
	case KindBroadcast:
		fields = append(fields, m.Topic, m.Event)
	default:
		return dst, fmt.Errorf("encoding a binary message: no kind %d", kind)
	}
	for _, f := range fields {
		if len(f) > 255 {
			return dst, fmt.Errorf("encoding a binary message: field of %d B is above 255 B", len(f))
		}
	}
	dst = append(dst, byte(kind))
	for _, f := range fields {
		dst = append(dst, byte(len(f)))
	}
	for _, f := range fields {
		dst = append(dst, f...)
	}
	return append(dst, m.Payload...), nil
}
