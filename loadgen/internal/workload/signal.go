package workload

import (
	"time"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// Swarms says what the peers of workload signal do. The connections of a swarm follow
// each other, and are all of one lane.
type Swarms struct {
	Size       int // connections of a swarm; the run's last may have fewer
	Total      int // swarms of all lanes
	Contacts   int // others that a joiner signals to, at most MaxContacts
	Candidates int // of each side to each contact, at most MaxCandidates
	// Trickle is how long after an offer or an answer each further candidate is due: a
	// browser finds them one after the other (RFC 8838). Offers share out one step.
	Trickle time.Duration
}

// Relays is how many messages a session comes to.
func (s Swarms) Relays() int { return s.Contacts * (2 + 2*s.Candidates) }

// A Signal is an open loop of sessions. At a time that the schedule sets, a peer
// leaves its swarm and joins it again. With the reply to its join its offers are due,
// one to each of some others of the swarm within Swarms.Trickle, and behind each its
// candidates in steps of that; an offer that is received makes the contact's answer
// due, and its candidates in the same way. The others are told of the join by the server. When everything has arrived the session is completed.
//
// Swarms take turns, and in a swarm its peers; a joiner's contacts are those that
// have joined last, so that they are the last to leave.
//
// Every message carries a stamp in its payload, and so does a join in what others are
// told of it, so that each is verified and timed where it arrives, on the thread that
// it was sent from.
type Signal struct {
	common
	rota   // of swarms; each has a session of the one of its connections that is next
	client *channel.Client
	stamps *stamp.Layout // of what others receive
	texts  *relayTexts
	known  *Peers
	span   Span
	shards Shards
	swarms Swarms
	join   []byte // of a session, behind the stamp

	turns []uint32 // who is next in each swarm

	peers   []peer
	free    *session
	open    int           // sessions
	trickle agenda[later] // what is not due yet

	head    [stamp.HeaderSize]byte
	text    []byte
	payload []byte
}

// peer is one connection.
type peer struct {
	base    uint32 // sessions up to this one are of an earlier load
	joined  bool
	joining bool     // the reply to its join is outstanding
	open    *session // those that are, the latest first
	last    *session // the latest that is not
}

// NewSignal returns l's part of a load of sessions. Begin must have been called on d,
// which counts what still comes of earlier loads. stamps must differ from the layout
// of the client's refs. join is the payload of a join but for what the load needs of
// it; see [channel.AppendMarked]. The schedules are those of all lanes together, as for
// [NewOpen].
func NewSignal(l *lane.Lane, d *Delivery, c *channel.Client, stamps *stamp.Layout, known *Peers, join []byte, swarms Swarms, span Span, shards Shards, warm, main pace.Schedule) *Signal {
	w := &Signal{
		common: common{l: l, d: d}, client: c, stamps: stamps, texts: newRelayTexts(), known: known,
		span: span, shards: shards, swarms: swarms,
		join: channel.Tail(join), peers: make([]peer, l.Conns),
	}
	w.turns = make([]uint32, (l.Conns+swarms.Size-1)/swarms.Size)
	for c := range w.peers {
		w.peers[c].joined = l.IsOpen(wire.Conn(c)) && len(known.ids[c]) > 0
		w.peers[c].base = known.sessions[c]
	}
	w.rota = newRota(span, warm, main, len(w.turns), swarms.Total, func(k int) int {
		return int(l.Global(wire.Conn(k*swarms.Size))) / swarms.Size
	})
	return w
}

// turn takes the session that is due and moves on to the next.
func (w *Signal) turn() (c wire.Conn, main bool, due time.Duration) {
	k, main, due := w.rota.take()
	first, size := w.swarm(k)
	c = first + w.turns[k]%size
	w.turns[k]++
	return c, main, due
}

// swarm is the first connection of the lane's swarm k, and how many there are.
func (w *Signal) swarm(k int) (first wire.Conn, size uint32) {
	first = wire.Conn(k * w.swarms.Size)
	return first, min(uint32(w.swarms.Size), uint32(w.l.Conns)-first)
}

// around is the swarm of c, and c's place in it.
func (w *Signal) around(c wire.Conn) (first wire.Conn, size, place uint32) {
	first, size = w.swarm(int(c) / w.swarms.Size)
	return first, size, c - first
}

// Next implements [lane.Workload].
func (w *Signal) Next() time.Duration { return min(w.due, w.trickles()) }

// Fire implements [lane.Workload].
func (w *Signal) Fire(now time.Duration) {
	for range few {
		if w.due > now {
			break
		}
		c, main, due := w.turn()
		now = w.l.Now()
		w.begin(c, main, due, now)
	}
	for n := 0; n < few && w.trickles() <= now; n++ {
		w.pass(now)
	}
	w.tell(w.Finished())
}

// begin sends the leave and the join of a session.
func (w *Signal) begin(c wire.Conn, main bool, due, now time.Duration) {
	shard := w.shards.at(main)
	shard.Ops.Scheduled++
	p := &w.peers[c]
	switch {
	case !w.l.IsOpen(c):
		shard.DropOp(results.CauseNoConn, 1)
		return
	case p.joining, w.known.sessions[c] == maxSession: // one join of a peer at a time
		shard.DropOp(results.CauseBacklog, 1)
		return
	}
	n := w.l.Global(c)
	if p.joined {
		op, b := w.client.Leave(n, nil)
		if why := w.l.Send(c, op, b, nil); why != "" {
			shard.DropOp(why, 1)
			w.unsent(c, why, now)
			return
		}
		shard.Ops.BytesSent += uint64(len(b))
		p.joined = false
	}
	w.client.Rejoin(c)
	w.known.sessions[c]++
	number := w.known.sessions[c]
	head, _ := w.stamps.Parts(&w.head, stamp.Stamp{Conn: n, Seq: number << sessionShift, Due: due, Sent: now})
	w.payload = channel.AppendMarked(w.payload[:0], head, w.join)
	op, b := w.client.Join(n, w.client.Ref(stamp.Stamp{Conn: n, Seq: joinBit | number, Due: due, Sent: now}), w.payload)
	if why := w.l.Send(c, op, b, nil); why != "" {
		shard.DropOp(why, 1)
		w.unsent(c, why, now)
		w.out(c, why, now) // it has left and is not coming
		return
	}
	p.joining = true
	s := w.take(c, number)
	s.main, s.due, s.sent, s.joining, s.outstanding = main, due, now, true, 1
	shard.Time(record.Lag, now-due)
	shard.Ops.BytesSent += uint64(len(b))
	shard.Signal.Joins.Scheduled++
	shard.Signal.Joins.BytesSent += uint64(len(b))
	w.expect(s, shard)
}

// unsent deals with a connection on which something could not be sent.
func (w *Signal) unsent(c wire.Conn, why results.Cause, now time.Duration) {
	if !w.l.IsOpen(c) {
		w.gone(c, why, now)
	}
}

// expect notes who is to be told of a join: all others that are in the swarm or on
// their way into it. A peer that joins is told who is there already, so that it does
// not matter who of two was first.
func (w *Signal) expect(s *session, shard *record.Shard) {
	first, size, place := w.around(s.peer)
	s.untold.clear(int(size))
	s.told.clear(int(size))
	for i := range size {
		if p := &w.peers[first+i]; i != place && (p.joined || p.joining) {
			s.untold.add(i)
			s.outstanding++
			shard.Signal.Notices.Scheduled++
		}
	}
}

// take puts a new session in front of those of c.
func (w *Signal) take(c wire.Conn, number uint32) *session {
	s := w.free
	if s == nil {
		s = new(session)
	} else {
		w.free = s.next
	}
	*s = session{next: w.peers[c].open, peer: c, number: number, id: s.id[:0], contacts: s.contacts[:0], untold: s.untold, told: s.told}
	w.peers[c].open = s
	w.open++
	return s
}

// settle ends s if nothing of it is outstanding.
func (w *Signal) settle(s *session, now time.Duration) {
	if s.outstanding > 0 {
		return
	}
	shard := w.shards.at(s.main)
	if s.failed != "" {
		shard.FailOp(s.failed, 1)
	} else {
		shard.Ops.Completed++
		shard.Time(record.Response, now-s.due)
		shard.Time(record.Service, now-s.sent)
		// What the window completes is its throughput, whenever it was due.
		if now < w.span.End {
			w.shards.at(now >= w.span.Main || w.shards.Warm == nil).OnTime++
		}
	}
	p := &w.peers[s.peer]
	for at := &p.open; ; at = &(*at).next {
		if *at == s {
			*at = s.next
			break
		}
	}
	w.open--
	if p.last == nil || p.last.number < s.number {
		p.last, s = s, p.last
	}
	if s != nil {
		s.next, w.free = w.free, s
	}
}

// find is the session of c with a number, nil if it is not known any more.
func (w *Signal) find(c wire.Conn, number uint32) *session {
	p := &w.peers[c]
	for s := p.open; s != nil; s = s.next {
		if s.number == number {
			return s
		}
	}
	if p.last != nil && p.last.number == number {
		return p.last
	}
	return nil
}

// past reports whether c had a session of this number in this load.
func (w *Signal) past(c wire.Conn, number uint32) bool {
	return number > w.peers[c].base && number <= w.known.sessions[c]
}

// local is the lane's connection with a number in the run, if it is in the same swarm
// as c.
func (w *Signal) local(n uint32, c wire.Conn) (wire.Conn, bool) {
	other := w.l.Local(n)
	return other, int(other) < w.l.Conns && w.l.Global(other) == n && int(other)/w.swarms.Size == int(c)/w.swarms.Size
}

// Received implements [lane.Workload].
func (w *Signal) Received(c wire.Conn, op frame.Opcode, p []byte, now time.Duration) {
	switch kind, m := w.client.Recognise(w.l.Global(c), op, p); kind {
	case channel.Malformed:
		w.unreadable(c, len(p), now)
	case channel.Reply:
		w.reply(c, op, p, m, now)
	case channel.Presence:
		w.present(c, m, now)
	case channel.Over:
		// In version 1 it may be the end of the membership that was left.
		if w.peers[c].joined || m.JoinRef != nil {
			w.l.Drop(c, results.CauseChannel)
		}
	case channel.Event:
		w.relayed(c, m, len(p), now)
	}
	w.tell(w.Finished())
}

// Ended implements [lane.Workload].
func (w *Signal) Ended(c wire.Conn, why results.Cause, now time.Duration) {
	if why == "" {
		why = results.CauseStopped
	}
	w.gone(c, why, now)
	w.common.Ended(c, why, now)
	w.tell(w.Finished())
}

// Finished implements [Stage].
func (w *Signal) Finished() bool {
	return w.due == lane.Never && w.open == 0 && w.d.Outstanding() == 0
}

// Abort implements [Stage]. What was due and waits is dropped; what is outstanding
// has failed.
func (w *Signal) Abort(why results.Cause) {
	for now := w.l.Now(); w.due <= now; {
		_, main, _ := w.turn()
		shard := w.shards.at(main)
		shard.Ops.Scheduled++
		shard.DropOp(why, 1)
	}
	w.end()
	w.trickle = nil
	if why != results.CauseStopped {
		why = results.CauseMissing
	}
	now := w.l.Now()
	for c := range w.peers {
		for s := w.peers[c].open; s != nil; {
			following := s.next
			w.lose(s, why, now)
			s = following
		}
	}
	w.tell(w.Finished())
}
