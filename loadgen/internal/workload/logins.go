package workload

import (
	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/stamp"
	"signalbench/server/hongbao/packet"
)

// Logins is the form of red envelopes: a connection begins with a login, whose user
// is the number of the connection, and is answered by an ack. All else that comes is
// for workload hongbao, and aside to others.
//
// A packet has no room for a stamp: it takes 4 B for each connection to know which of
// its logins an ack answers.
type Logins struct {
	lane *lane.Lane
	unix func() uint64 // seconds since 1970
	last []uint32      // the number of each connection's latest login
	out  [packet.MaxSize]byte
}

// NewLogins returns the form for l's connections. unix is the time that packets say.
func NewLogins(l *lane.Lane, unix func() uint64) *Logins {
	return &Logins{lane: l, unix: unix, last: make([]uint32, l.Conns)}
}

// Small implements [Form].
func (*Logins) Small() bool { return true }

// Message implements [Form].
func (f *Logins) Message(_ bool, s stamp.Stamp) (op frame.Opcode, head, body []byte) {
	f.last[f.lane.Local(s.Conn)] = s.Seq
	p := packet.Packet{Type: packet.Login, Time: f.unix(), User: s.Conn}
	return frame.Binary, p.Append(f.out[:0]), nil
}

// Read implements [Form].
func (f *Logins) Read(op frame.Opcode, b []byte, conn uint32) Reading {
	var p packet.Packet
	switch err := p.Decode(b); {
	case op != frame.Binary || err != nil:
		return Reading{Verdict: stamp.BadHeader}
	case p.Type != packet.Ack:
		return Reading{Aside: true}
	}
	r := Reading{Stamp: stamp.Stamp{Conn: conn, Seq: f.last[f.lane.Local(conn)]}, Refused: p.Result != packet.Welcome}
	if p.User != conn {
		r.Verdict = stamp.BadBody
	}
	return r
}
