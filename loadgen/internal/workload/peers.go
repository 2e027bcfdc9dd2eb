package workload

import (
	"signalbench/loadgen/internal/wire"
	"signalbench/server/phoenix"
)

// Peers is what is known of a lane's connections as peers of a room, through the
// whole run: the id that the server gave each with its latest join, and how often it
// has begun a session.
type Peers struct {
	ids      [][]byte
	sessions []uint32
}

// NewPeers returns a list for conns connections.
func NewPeers(conns int) *Peers {
	return &Peers{ids: make([][]byte, conns), sessions: make([]uint32, conns)}
}

// Joined takes the response to a join of c, and reports whether there is an id in it.
func (p *Peers) Joined(c wire.Conn, response []byte) bool {
	p.ids[c] = p.ids[c][:0]
	raw, _, err := phoenix.Member(response, "id")
	if err == nil {
		p.ids[c], _ = phoenix.AppendUnquoted(p.ids[c], raw)
	}
	return len(p.ids[c]) > 0
}
