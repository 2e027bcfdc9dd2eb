package phoenix

// Append appends m as a text message. Its payload must be valid JSON; nil stands
// for an empty object. In V1 a join ref is written if there is one.
func Append(dst []byte, v Version, m *Message) []byte {
	dst = appendHead(dst, v, m)
	dst = AppendString(dst, m.Event)
	dst = appendPayloadName(dst, v)
	if m.Payload == nil {
		dst = append(dst, '{', '}')
	} else {
		dst = append(dst, m.Payload...)
	}
	return appendTail(dst, v, m)
}

// AppendReply appends a phx_reply with the response, valid JSON; nil stands for
// an empty object. A V1 reply has no join ref, as Phoenix's.
func AppendReply(dst []byte, v Version, joinRef, ref, topic []byte, status string, response []byte) []byte {
	return AppendReplyTo(dst, v, &Message{JoinRef: joinRef, Ref: ref, Topic: topic}, status, response)
}

// AppendReplyTo is AppendReply to a message, with its refs as they came: where
// they were numbers, numbers.
func AppendReplyTo(dst []byte, v Version, to *Message, status string, response []byte) []byte {
	reply := Message{Ref: to.Ref, RefNumber: to.RefNumber, Topic: to.Topic}
	if v != V1 {
		reply.JoinRef, reply.JoinRefNumber = to.JoinRef, to.JoinRefNumber
	}
	dst = appendHead(dst, v, &reply)
	dst = append(dst, `"`+ReplyEvent+`"`...)
	dst = appendPayloadName(dst, v)
	dst = append(dst, `{"status":"`...)
	dst = append(dst, status...)
	dst = append(dst, `","response":`...)
	if response == nil {
		dst = append(dst, '{', '}')
	} else {
		dst = append(dst, response...)
	}
	dst = append(dst, '}')
	return appendTail(dst, v, &reply)
}

// appendHead appends what stands in front of the event.
func appendHead(dst []byte, v Version, m *Message) []byte {
	if v == V1 {
		dst = append(dst, `{"topic":`...)
		dst = AppendString(dst, m.Topic)
		return append(dst, `,"event":`...)
	}
	dst = append(dst, '[')
	dst = appendRef(dst, m.JoinRef, m.JoinRefNumber)
	dst = append(dst, ',')
	dst = appendRef(dst, m.Ref, m.RefNumber)
	dst = append(dst, ',')
	dst = AppendString(dst, m.Topic)
	return append(dst, ',')
}

// appendPayloadName appends what stands between event and payload.
func appendPayloadName(dst []byte, v Version) []byte {
	if v == V1 {
		return append(dst, `,"payload":`...)
	}
	return append(dst, ',')
}

// appendTail appends what stands behind the payload.
func appendTail(dst []byte, v Version, m *Message) []byte {
	if v != V1 {
		return append(dst, ']')
	}
	dst = append(dst, `,"ref":`...)
	dst = appendRef(dst, m.Ref, m.RefNumber)
	if m.JoinRef != nil {
		dst = append(dst, `,"join_ref":`...)
		dst = appendRef(dst, m.JoinRef, m.JoinRefNumber)
	}
	return append(dst, '}')
}

func appendRef(dst, ref []byte, number bool) []byte {
	switch {
	case ref == nil:
		return append(dst, "null"...)
	case number:
		return append(dst, ref...)
	}
	return AppendString(dst, ref)
}
