package channel

import (
	"bytes"

	"signalbench/loadgen/internal/frame"
	"signalbench/server/phoenix"
)

// A Kind is what a server's message is to a client.
type Kind uint8

// The kinds.
const (
	// Malformed is no message of the protocol.
	Malformed Kind = iota
	// Reply answers a message that had a ref.
	Reply
	// Over tells that the connection is no longer a member of its topic: the
	// server has closed it (phx_close), or something failed there (phx_error).
	Over
	// Presence is the protocol's news of who is in a topic.
	Presence
	// Event is anything else: what others have sent, or the server by itself.
	Event
)

// Recognise reads a message that connection n received. What is over has been
// connection n's latest membership: the end of an earlier one is an Event.
func (c *Client) Recognise(n uint32, op frame.Opcode, p []byte) (Kind, *phoenix.Message) {
	m := &c.in
	if m.Decode(c.protocol.Version, op == frame.Binary, p) != nil {
		return Malformed, m
	}
	switch string(m.Event) {
	case phoenix.ReplyEvent:
		return Reply, m
	case phoenix.PresenceState, phoenix.PresenceDiff:
		return Presence, m
	case phoenix.CloseEvent, phoenix.ErrorEvent:
		// Version 1 has no join ref.
		if bytes.Equal(m.Topic, c.Topic(n)) && (m.JoinRef == nil || bytes.Equal(m.JoinRef, c.JoinRef(n))) {
			return Over, m
		}
	}
	return Event, m
}
