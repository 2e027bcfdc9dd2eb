package workload

import (
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// Beats says how connections that are held show that they live.
type Beats struct {
	// Every is the interval at which each connection is asked; 0: never.
	Every time.Duration
	// Timeout is how long an answer may take, from the moment it was asked for.
	Timeout time.Duration
	// Probe is the interval at which one connection of all echoes a message; 0:
	// never. Seed says which ones they are.
	Probe time.Duration
	Seed  uint64
	// Silence is after how long a connection that hears nothing is ended; 0: never.
	Silence time.Duration
}

// A Pulse holds connections and asks each for a sign of life once in an
// interval: a ping (RFC 6455 section 5.5.2), due at a moment of that
// connection's own, so that the pings of all are spread evenly over the
// interval. It is an open loop: a server that stops for a while delays every
// answer that was due meanwhile. A connection that is lost stays lost.
//
// A ping says in its payload whose it is and when it was due and sent, and the
// pong repeats that, so nothing is kept for a connection; what is outstanding
// stands in a queue, see vigil. Beside the pings one connection of all, chosen
// at random, echoes a message now and then: pings may be answered below the
// server's handler, a message is not.
type Pulse struct {
	common
	layout *stamp.Layout
	head   [stamp.HeaderSize]byte // of a ping on its way
	ring   Ring
	conns  []wire.Conn // those of this lane
	span   Span
	shards Shards
	beats  Beats
	quiet  *silence
	pings  pace.Schedule // of all lanes together, from span.Start

	cycle, k uint64        // the next ping is conns[k]'s in this cycle
	due      time.Duration // when it is due; Never after the last
	asked    vigil

	draws    probes
	probed   wire.Conn     // whose the next probe is
	probeDue time.Duration // Never after the last of this lane
}

// NewPulse returns l's part of a pulse. d sends the probes; Begin must have been
// called on it with the shard where they count. layout is that of pings, with a
// size of stamp.HeaderSize.
func NewPulse(l *lane.Lane, d *Delivery, ring Ring, span Span, shards Shards, layout *stamp.Layout, beats Beats) *Pulse {
	p := &Pulse{
		common: common{l: l, d: d}, layout: layout, ring: ring, conns: members(l), span: span, shards: shards, beats: beats,
		draws: newProbes(beats, ring, l.Index, span), quiet: newSilence(l, beats.Silence, l.Now(), span.End),
	}
	if beats.Every > 0 {
		rate := float64(ring.total) / beats.Every.Seconds()
		p.pings = pace.Constant{Rate: pace.Rate(rate), Length: span.End - span.Start}
		p.asked.limit = int(2*rate*beats.Timeout.Seconds()*float64(len(p.conns))/float64(max(1, ring.total))) + 64
	}
	p.plan()
	p.planProbe()
	return p
}

// plan finds the next ping of this lane, from cycle and k on.
func (p *Pulse) plan() {
	p.due = lane.Never
	if p.pings == nil || len(p.conns) == 0 {
		return
	}
	n := p.cycle*uint64(p.ring.total) + uint64(p.ring.place(p.l.Index, int(p.k)))
	if due, ok := p.pings.Due(n); ok {
		p.due = p.span.Start + due
	}
}

func (p *Pulse) planProbe() {
	p.probeDue = lane.Never
	if k, due, ok := p.draws.next(); ok && k < len(p.conns) {
		p.probed, p.probeDue = p.conns[k], due
	}
}

// Next implements [lane.Workload].
func (p *Pulse) Next() time.Duration {
	return min(p.due, p.probeDue, p.quiet.at, p.asked.next(p.beats.Timeout))
}

// Fire implements [lane.Workload].
func (p *Pulse) Fire(now time.Duration) {
	for q, ok := p.asked.expired(now, p.beats.Timeout); ok; q, ok = p.asked.expired(now, p.beats.Timeout) {
		p.shard(q.due).FailOp(results.CauseTimeout, 1)
	}
	p.quiet.look(now)
	for range few {
		if p.due > now {
			break
		}
		now = p.l.Now()
		p.ask(now)
	}
	if p.probeDue <= now {
		c, due := p.probed, p.probeDue
		p.planProbe()
		if p.l.IsOpen(c) {
			if why := p.d.Send(c, true, due, p.l.Now()); !p.l.IsOpen(c) {
				p.Ended(c, why, now)
			}
		} else {
			p.d.Drop(true, results.CauseNoConn)
		}
	}
	p.tell(p.Finished())
}

// take moves on to the ping after the one that is due.
func (p *Pulse) take() (c wire.Conn, seq uint32, due time.Duration) {
	c, seq, due = p.conns[p.k], uint32(p.cycle), p.due
	if p.k++; p.k == uint64(len(p.conns)) {
		p.cycle, p.k = p.cycle+1, 0
	}
	p.plan()
	return c, seq, due
}

// ask sends the ping that is due.
func (p *Pulse) ask(now time.Duration) {
	c, seq, due := p.take()
	shard := p.shard(due)
	shard.Ops.Scheduled++
	switch {
	case !p.l.IsOpen(c):
		shard.DropOp(results.CauseNoConn, 1)
		return
	case p.asked.full():
		shard.DropOp(results.CauseBacklog, 1)
		return
	}
	head, body := p.layout.Parts(&p.head, stamp.Stamp{Conn: p.l.Global(c), Seq: seq, Due: due, Sent: now})
	if why := p.l.Send(c, frame.Ping, head, body); why != "" {
		shard.DropOp(why, 1)
		if !p.l.IsOpen(c) {
			p.Ended(c, why, now)
		}
		return
	}
	p.asked.add(asked{conn: c, due: due, sent: now})
	shard.Ops.BytesSent += stamp.HeaderSize
	shard.Time(record.Lag, now-due)
}

// shard gives the phase that a ping belongs to.
func (p *Pulse) shard(due time.Duration) *record.Shard { return p.shards.at(due >= p.span.Main) }

// Ponged implements [lane.Workload]. A pong of a server's own accord answers
// nothing (RFC 6455 section 5.5.3).
func (p *Pulse) Ponged(c wire.Conn, b []byte, now time.Duration) {
	p.quiet.hears(c, now)
	s, verdict := p.layout.Read(b, p.l.Global(c))
	if verdict != stamp.Intact {
		// It cannot say which ping it answers: it stands for the oldest.
		q, ok := asked{}, false
		if len(b) > 0 {
			q, ok = p.asked.oldest(c)
		}
		if !ok {
			p.shards.Main.Unexpected++
			return
		}
		shard := p.shard(q.due)
		shard.Ops.BytesReceived += uint64(len(b))
		shard.Ops.Corrupt++
		shard.FailOp(results.CauseCorrupt, 1)
		p.tell(p.Finished())
		return
	}
	shard := p.shard(s.Due)
	switch {
	case p.asked.answer(c, s.Sent):
	case s.Sent < p.span.Start || s.Sent+p.beats.Timeout <= now:
		p.shards.Main.Stale++ // it has failed already
		return
	default:
		shard.Ops.Duplicate++
		return
	}
	shard.Ops.Completed++
	shard.Ops.BytesReceived += uint64(len(b))
	end := p.span.End
	if s.Due < p.span.Main {
		end = p.span.Main
	}
	if now < end {
		shard.OnTime++
	}
	shard.Time(record.Response, now-s.Due)
	shard.Time(record.Service, now-s.Sent)
	p.tell(p.Finished())
}

// Received implements [lane.Workload].
func (p *Pulse) Received(c wire.Conn, op frame.Opcode, b []byte, now time.Duration) {
	p.quiet.hears(c, now)
	p.common.Received(c, op, b, now)
	p.tell(p.Finished())
}

// Ended implements [lane.Workload].
func (p *Pulse) Ended(c wire.Conn, why results.Cause, now time.Duration) {
	if why == "" {
		why = results.CauseStopped
	}
	for q, ok := p.asked.oldest(c); ok; q, ok = p.asked.oldest(c) {
		p.shard(q.due).FailOp(why, 1)
	}
	p.common.Ended(c, why, now)
	p.tell(p.Finished())
}

// Finished implements [Stage].
func (p *Pulse) Finished() bool {
	return p.due == lane.Never && p.probeDue == lane.Never && p.asked.empty() && p.d.Outstanding() == 0
}

// Abort implements [Stage]. What is outstanding has failed.
func (p *Pulse) Abort(why results.Cause) {
	now := p.l.Now()
	for p.due <= now {
		_, _, due := p.take()
		shard := p.shard(due)
		shard.Ops.Scheduled++
		shard.DropOp(why, 1)
	}
	for ; p.probeDue <= now; p.planProbe() {
		p.d.Drop(true, why)
	}
	p.due, p.probeDue = lane.Never, lane.Never
	for q, ok := p.asked.expired(lane.Never, 0); ok; q, ok = p.asked.expired(lane.Never, 0) {
		shard := p.shard(q.due)
		if why == results.CauseStopped {
			shard.FailOp(why, 1)
			continue
		}
		shard.Ops.Missing++
		shard.FailOp(results.CauseMissing, 1)
	}
	p.tell(p.Finished())
}
