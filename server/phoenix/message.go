package phoenix

// Events of the protocol itself.
const (
	Join          = "phx_join"
	Leave         = "phx_leave"
	ReplyEvent    = "phx_reply"
	ErrorEvent    = "phx_error"
	CloseEvent    = "phx_close"
	Heartbeat     = "heartbeat" // on HeartbeatTopic
	PresenceState = "presence_state"
	PresenceDiff  = "presence_diff"
)

// HeartbeatTopic is the topic that is the connection's own.
const HeartbeatTopic = "phoenix"

// Statuses of a reply.
const (
	OK    = "ok"
	Error = "error"
)

// Limits of a message, in bytes after unescaping but for MaxDepth. What is
// beyond is a [DecodeError]. All lengths fit a binary frame.
const (
	MaxTopic = 255
	MaxEvent = 255
	MaxRef   = 255
	// MaxDepth is how many arrays and objects of a payload may lie in one another.
	MaxDepth = 64
)

// A Message is one message of either version and direction. Its slices alias the
// bytes it was decoded from, or memory of the Message that its next Decode uses
// again: copy what is to be kept.
type Message struct {
	JoinRef, Ref []byte // nil for null
	// JoinRefNumber and RefNumber say that a ref came as a JSON number, as some
	// old clients send it, and is written as one: it then is the number's text.
	JoinRefNumber, RefNumber bool

	Topic, Event []byte
	Payload      []byte // valid JSON without space around it; or the payload of a binary message
	Binary       bool
	Kind         Kind   // of a binary message
	Status       []byte // of a binary reply

	scratch []byte // strings that had escapes
}

// Decode reads a message of a client or of a server, a binary one if it came in
// a binary frame. Every error is a [*DecodeError] and leaves m without meaning.
// Nothing is allocated but for strings with escapes, and for those only while
// they are longer than any before.
//
// More than Phoenix needs is let in where it harms nothing: a V1 message without
// ref, further elements of a V2 array (as Phoenix does) and members of a V1
// object, of which the last one counts where a name stands twice.
func (m *Message) Decode(v Version, binary bool, p []byte) error {
	*m = Message{scratch: m.scratch[:0]}
	switch {
	case binary && v == V2:
		return m.decodeBinary(p)
	case binary:
		return &DecodeError{Reason: "binary message in version 1"}
	case v == V2:
		return m.decode2(p)
	}
	return m.decode1(p)
}

// Reply returns the status and the response of a phx_reply: raw JSON, or the
// payload of a binary one. They last as long as m's slices.
func (m *Message) Reply() (status, response []byte, err error) {
	if m.Binary {
		if m.Kind != KindReply {
			return nil, nil, &DecodeError{Reason: "binary message is no reply"}
		}
		return m.Status, m.Payload, nil
	}
	raw, ok, err := Member(m.Payload, "status")
	if err != nil {
		return nil, nil, err
	}
	start := len(m.scratch)
	if ok {
		m.scratch, ok = AppendUnquoted(m.scratch, raw)
	}
	if !ok {
		return nil, nil, &DecodeError{Reason: "reply without a status"}
	}
	status = m.scratch[start:]
	response, ok, err = Member(m.Payload, "response")
	if err == nil && !ok {
		err = &DecodeError{Reason: "reply without a response"}
	}
	return status, response, err
}
