package workload

import (
	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// A Publisher brings a message to a connection by another way than over it: it
// publishes to what the connection subscribes to. It belongs to one lane's thread.
type Publisher interface {
	// Publish publishes message seq of c, whose payload is head followed by body. A
	// cause other than "" says why nothing was sent. [Delivery.Unheard] may follow.
	Publish(c wire.Conn, seq uint32, op frame.Opcode, head, body []byte) results.Cause
}

// PublishBy has messages published, from then on, in place of being sent over their
// connection and answered: each is completed when its connection receives it.
func (d *Delivery) PublishBy(p Publisher) { d.publisher = p }

// Pings is how many empty messages came to all connections so far.
func (d *Delivery) Pings() uint64 { return d.pings }

// Unheard fails message seq of c: it was published, and nobody gets it. Nothing happens
// if that message is not outstanding.
func (d *Delivery) Unheard(c wire.Conn, seq uint32, why results.Cause) {
	t := &d.tracks[c]
	switch ahead := int32(seq - t.want); {
	case int32(seq-t.base) < 0 || int32(seq-t.next) >= 0:
		return
	case ahead == 0:
		t.want++
		d.pass(c, t)
	case ahead > 0:
		if !d.unheard.open(c, seq) {
			return // it will be missing
		}
	case t.gaps > 0 && d.gaps.fill(c, seq):
		t.gaps--
	default:
		return
	}
	d.outstanding--
	d.shardOf(t, seq).FailOp(why, 1)
	if d.outstanding == 0 {
		d.lane.Notify()
	}
}

// pass goes on to the first message of c that may still come.
func (d *Delivery) pass(c wire.Conn, t *track) {
	for t.want != t.next && d.unheard.fill(c, t.want) {
		t.want++
	}
}

// Published is the form of messages that are published to channels. An empty text is
// the server's own, by which a connection knows that it lives.
type Published struct{ Echoes }

// NewPublished returns the form for a layout that is not small, and an opcode.
func NewPublished(layout *stamp.Layout, op frame.Opcode) *Published {
	return &Published{Echoes{layout: layout, op: op}}
}

// Read implements [Form].
func (f *Published) Read(op frame.Opcode, p []byte, conn uint32) Reading {
	if op == frame.Text && len(p) == 0 {
		return Reading{Aside: true, Ping: true}
	}
	return f.Echoes.Read(op, p, conn)
}
