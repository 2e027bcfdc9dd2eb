package channel

import (
	"strconv"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/server/phoenix"
)

// A Client writes and reads the messages of one lane's connections. All
// connections are named by their number in the run but for [Client.Rejoin].
type Client struct {
	protocol *Protocol
	lane     *lane.Lane
	stamps   *stamp.Layout // of refs
	// joins counts the joins of each connection that were not its first; nil if
	// none joins twice.
	joins []uint16

	in      phoenix.Message
	ref     [stamp.HeaderSize]byte
	topic   []byte
	event   []byte
	joinRef []byte
	out     []byte
}

// NewClient returns the client of l's connections. stamps is the layout of refs,
// with a size of stamp.HeaderSize.
func NewClient(p *Protocol, l *lane.Lane, stamps *stamp.Layout) *Client {
	return &Client{protocol: p, lane: l, stamps: stamps}
}

// Protocol is what the client speaks.
func (c *Client) Protocol() *Protocol { return c.protocol }

// Rejoin makes the next join of the lane's connection conn one that the server
// can tell from earlier ones on the same connection. It costs 2 B for each
// connection of the lane from the first call on.
func (c *Client) Rejoin(conn wire.Conn) {
	if c.joins == nil {
		c.joins = make([]uint16, c.lane.Conns)
	}
	c.joins[conn]++
}

// JoinRef is the join ref of connection n's latest join.
func (c *Client) JoinRef(n uint32) []byte {
	number := uint64(1)
	if c.joins != nil {
		number += uint64(c.joins[c.lane.Local(n)])
	}
	c.joinRef = strconv.AppendUint(c.joinRef[:0], number, 10)
	return c.joinRef
}

// Ref is a stamp as a ref.
func (c *Client) Ref(s stamp.Stamp) []byte {
	head, _ := c.stamps.Parts(&c.ref, s)
	return head
}

// Stamp reads a ref of connection n.
func (c *Client) Stamp(ref []byte, n uint32) (stamp.Stamp, stamp.Verdict) {
	return c.stamps.Read(ref, n)
}

// Topic is the topic of connection n.
func (c *Client) Topic(n uint32) []byte {
	c.topic = c.protocol.AppendTopic(c.topic[:0], n)
	return c.topic
}

// Join is connection n's join. ref may be what [Client.Ref] has returned.
func (c *Client) Join(n uint32, ref, payload []byte) (frame.Opcode, []byte) {
	return c.Push(n, ref, phoenix.Join, payload)
}

// Leave is connection n's leave.
func (c *Client) Leave(n uint32, ref []byte) (frame.Opcode, []byte) {
	return c.Push(n, ref, phoenix.Leave, nil)
}

// Push is a message of connection n to its topic; a nil ref asks for no reply. The
// payload is JSON; nil stands for an empty object.
func (c *Client) Push(n uint32, ref []byte, event string, payload []byte) (frame.Opcode, []byte) {
	m := c.message(n, ref, event, payload)
	c.out = phoenix.Append(c.out[:0], c.protocol.Version, &m)
	return frame.Text, c.out
}

// PushBinary is a Push as a binary message, which version 2 alone has.
func (c *Client) PushBinary(n uint32, ref []byte, event string, payload []byte) (frame.Opcode, []byte) {
	m := c.message(n, ref, event, payload)
	c.out, _ = phoenix.AppendBinary(c.out[:0], phoenix.KindPush, &m) // Check has seen to the lengths
	return frame.Binary, c.out
}

func (c *Client) message(n uint32, ref []byte, event string, payload []byte) phoenix.Message {
	c.event = append(c.event[:0], event...)
	return phoenix.Message{JoinRef: c.JoinRef(n), Ref: ref, Topic: c.Topic(n), Event: c.event, Payload: payload}
}
