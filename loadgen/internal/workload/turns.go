package workload

import (
	"time"

	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/wire"
)

// turns is the rota of a lane's connections.
type turns struct {
	rota
	conns []wire.Conn // those of this lane
}

// newTurns plans for l's connections. The schedules are those of all lanes together;
// warm counts from span.Start and main from span.Main.
func newTurns(l *lane.Lane, ring Ring, span Span, warm, main pace.Schedule) turns {
	conns := members(l)
	place := func(k int) int { return ring.place(l.Index, k) }
	return turns{conns: conns, rota: newRota(span, warm, main, len(conns), ring.total, place)}
}

// take moves on to the operation after the one that is due.
func (t *turns) take() (c wire.Conn, main bool, due time.Duration) {
	k, main, due := t.rota.take()
	return t.conns[k], main, due
}
