package workload

import (
	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/stamp"
	"signalbench/results"
	"signalbench/server/phoenix"
)

// A Form says how a stamp is put into a message, and found in what comes back. It
// belongs to one lane's thread.
type Form interface {
	// Small reports whether a message has no room for times, so that no more than
	// one may be outstanding on a connection.
	Small() bool
	// Message returns the payload of a message in two parts that follow each other:
	// the one that a connection begins with, or any other. Both are valid until the
	// next call and must not be changed.
	Message(first bool, s stamp.Stamp) (op frame.Opcode, head, body []byte)
	// Read says what a message is that connection conn of the run received.
	Read(op frame.Opcode, p []byte, conn uint32) Reading
}

// A Reading is what a [Form] makes of a message.
type Reading struct {
	// Stamp is that of the message that is answered, as far as Verdict allows.
	Stamp   stamp.Stamp
	Verdict stamp.Verdict
	// Aside says that the message answers nothing, and that this is no fault.
	Aside bool
	// Ping says that it is a sign of life beside that.
	Ping bool
	// Refused says that the answer says no.
	Refused bool
	// Response is what the answer says beyond that, if anything.
	Response []byte
	// Ended is why the connection is of no more use; empty if it is.
	Ended results.Cause
}

// Echoes is the form of messages that are sent back as they are. All are alike.
type Echoes struct {
	layout *stamp.Layout
	op     frame.Opcode
	head   [stamp.HeaderSize]byte
}

// NewEchoes returns the form for a layout and an opcode.
func NewEchoes(layout *stamp.Layout, op frame.Opcode) *Echoes {
	return &Echoes{layout: layout, op: op}
}

// Small implements [Form].
func (e *Echoes) Small() bool { return e.layout.Small() }

// Message implements [Form].
func (e *Echoes) Message(_ bool, s stamp.Stamp) (op frame.Opcode, head, body []byte) {
	head, body = e.layout.Parts(&e.head, s)
	return e.op, head, body
}

// Read implements [Form].
func (e *Echoes) Read(_ frame.Opcode, p []byte, conn uint32) Reading {
	s, verdict := e.layout.Read(p, conn)
	return Reading{Stamp: s, Verdict: verdict}
}

// Pushes is the form of Phoenix Channels: a connection begins with a join, and any
// other message is a push; both are answered by a reply, in whose ref the stamp is.
// A connection that is no member any more is of no use.
type Pushes struct{ client *channel.Client }

// NewPushes returns the form for a client.
func NewPushes(c *channel.Client) *Pushes { return &Pushes{c} }

// Small implements [Form].
func (*Pushes) Small() bool { return false }

// Message implements [Form].
func (f *Pushes) Message(first bool, s stamp.Stamp) (op frame.Opcode, head, body []byte) {
	p := f.client.Protocol()
	ref := f.client.Ref(s)
	switch {
	case first:
		op, head = f.client.Join(s.Conn, ref, p.Join)
	case p.Binary:
		op, head = f.client.PushBinary(s.Conn, ref, p.Event, p.Push)
	default:
		op, head = f.client.Push(s.Conn, ref, p.Event, p.Push)
	}
	return op, head, nil
}

// Read implements [Form].
func (f *Pushes) Read(op frame.Opcode, p []byte, conn uint32) Reading {
	switch kind, m := f.client.Recognise(conn, op, p); kind {
	case channel.Malformed:
		return Reading{Verdict: stamp.BadHeader}
	case channel.Over:
		return Reading{Aside: true, Ended: results.CauseChannel}
	case channel.Reply:
		return f.reply(m, conn)
	}
	return Reading{Aside: true}
}

func (f *Pushes) reply(m *phoenix.Message, conn uint32) (r Reading) {
	r.Stamp, r.Verdict = f.client.Stamp(m.Ref, conn)
	if r.Verdict != stamp.Intact {
		return r
	}
	status, response, err := m.Reply()
	r.Response = response
	switch {
	case err != nil || string(m.Topic) != string(f.client.Topic(conn)):
		r.Verdict = stamp.BadBody
	default:
		r.Refused = string(status) != phoenix.OK
	}
	return r
}
