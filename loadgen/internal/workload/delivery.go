package workload

import (
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// A Delivery sends messages, verifies what comes back, and accounts for each
// exactly once: completed, failed or dropped, in the phase in which it was due
// (open loop) or sent (closed loop).
//
// It keeps 20 B for each connection. A server answers in order, so the sequence
// numbers of the next message to send and of the next one expected say which
// messages are outstanding; only a connection with a gap needs more, see gaps.
type Delivery struct {
	lane      *lane.Lane
	form      Form
	tracks    []track
	times     []times // small payloads only: the one outstanding message
	gaps      gaps
	publisher Publisher // nil: messages go over the connection itself
	unheard   gaps      // messages not expected yet of which it is known that nobody gets them
	pings     uint64    // that came so far
	// welcome, if not nil, is told the answer to what a connection begins with.
	welcome func(c wire.Conn, response []byte)

	// The phases of the load that is running. warm may be nil.
	warm, main  *record.Shard
	span        Span
	outstanding int
}

// track follows one connection's messages.
type track struct {
	next   uint32 // to send
	want   uint32 // expected
	base   uint32 // first of this load; what is below is stale
	mark   uint32 // first of the main phase, if inMain
	inMain bool
	// greeting says that the first of what is outstanding is what the connection
	// begins with.
	greeting bool
	gaps     uint16 // open
}

type times struct{ due, sent time.Duration }

// NewDelivery returns a delivery for all connections of l.
func NewDelivery(l *lane.Lane, form Form) *Delivery {
	d := &Delivery{lane: l, form: form, tracks: make([]track, l.Conns), gaps: newGaps(), unheard: newGaps()}
	if form.Small() {
		d.times = make([]times, l.Conns)
	}
	return d
}

// Welcome has f told the answers to what connections begin with. What it is given is
// valid only during the call.
func (d *Delivery) Welcome(f func(c wire.Conn, response []byte)) { d.welcome = f }

// Begin opens a load: operations are counted in warm (may be nil) or main, as
// [Delivery.Send] is told, and are on time if they are completed before span.Main
// or span.End. Nothing may be outstanding; see Finish.
func (d *Delivery) Begin(warm, main *record.Shard, span Span) {
	d.warm, d.main, d.span = warm, main, span
	for i := range d.tracks {
		t := &d.tracks[i]
		t.base, t.inMain = t.next, false
	}
}

// Outstanding is how many messages wait for their answer.
func (d *Delivery) Outstanding() int { return d.outstanding }

// Waiting is how many messages of c wait for their answer.
func (d *Delivery) Waiting(c wire.Conn) int {
	t := &d.tracks[c]
	return int(t.next-t.want) + int(t.gaps)
}

// shard gives the phase that an operation of now belongs to.
func (d *Delivery) shard(main bool) *record.Shard {
	if main {
		return d.main
	}
	return d.warm
}

// shardOf gives the phase of message seq on t.
func (d *Delivery) shardOf(t *track, seq uint32) *record.Shard {
	return d.shard(d.warm == nil || t.inMain && int32(seq-t.mark) >= 0)
}

// Send schedules one operation on c: it is sent now, or dropped with the cause
// that is returned. main says which phase it belongs to; once true, it stays so
// until the next Begin.
func (d *Delivery) Send(c wire.Conn, main bool, due, now time.Duration) results.Cause {
	return d.send(c, false, main, due, now)
}

// Greet is Send of what a connection begins with.
func (d *Delivery) Greet(c wire.Conn, main bool, due, now time.Duration) results.Cause {
	return d.send(c, true, main, due, now)
}

func (d *Delivery) send(c wire.Conn, first, main bool, due, now time.Duration) results.Cause {
	shard := d.shard(main)
	shard.Ops.Scheduled++
	t := &d.tracks[c]
	if d.times != nil && t.next != t.want {
		shard.DropOp(results.CauseBacklog, 1)
		return results.CauseBacklog
	}
	if t.next > stamp.MaxSeq {
		shard.DropOp(results.CauseOther, 1) // after a billion messages
		return results.CauseBacklog
	}
	op, head, body := d.form.Message(first, stamp.Stamp{Conn: d.lane.Global(c), Seq: t.next, Due: due, Sent: now})
	size := uint64(len(head) + len(body))
	if d.publisher != nil {
		if why := d.publisher.Publish(c, t.next, op, head, body); why != "" {
			shard.DropOp(why, 1)
			return why
		}
	} else if why := d.lane.Send(c, op, head, body); why != "" {
		shard.DropOp(why, 1)
		if why != results.CauseBacklog && why != results.CauseNoConn {
			d.Lost(c, why)
		}
		return why
	}
	if main && !t.inMain {
		t.inMain, t.mark = true, t.next
	}
	if d.times != nil {
		d.times[c] = times{due, now}
	}
	t.next++
	if first {
		t.greeting = true
	}
	d.outstanding++
	shard.Ops.BytesSent += size
	shard.Time(record.Lag, now-due)
	return ""
}

// Drop schedules one operation that cannot be sent.
func (d *Delivery) Drop(main bool, why results.Cause) {
	shard := d.shard(main)
	shard.Ops.Scheduled++
	shard.DropOp(why, 1)
}

// Received takes a message that c received and reports whether it answered an
// operation, correctly or not.
func (d *Delivery) Received(c wire.Conn, op frame.Opcode, p []byte, now time.Duration) bool {
	r := d.form.Read(op, p, d.lane.Global(c))
	answered := false
	switch {
	case r.Ping:
		d.pings++
		d.main.Pings++
	case r.Aside:
		d.main.Aside++
	default:
		answered = d.answer(c, r, len(p), now)
	}
	if r.Ended != "" {
		d.lane.Drop(c, r.Ended)
	}
	return answered
}

func (d *Delivery) answer(c wire.Conn, r Reading, size int, now time.Duration) bool {
	t := &d.tracks[c]
	s, verdict := r.Stamp, r.Verdict
	if verdict == stamp.BadHeader {
		// It cannot say which message it was. Servers answer in order, so it
		// stands for the one that is expected.
		switch {
		case t.gaps > 0 && t.next == t.want:
			s.Seq = d.gaps.lowest(c)
		case t.next != t.want:
			s.Seq = t.want
		default:
			d.main.Unexpected++
			return false
		}
	}
	switch ahead := int32(s.Seq - t.want); {
	case int32(s.Seq-t.base) < 0:
		d.main.Stale++
		return false
	case int32(s.Seq-t.next) >= 0:
		d.main.Unexpected++ // intact, and never sent
		return false
	case ahead >= 0:
		for ; t.want != s.Seq; t.want++ {
			if d.unheard.fill(c, t.want) {
				continue
			}
			if d.gaps.open(c, t.want) {
				t.gaps++
				continue
			}
			// Given up: should it come later, it looks like a duplicate.
			shard := d.shardOf(t, t.want)
			shard.Untracked++
			shard.Ops.Missing++
			shard.FailOp(results.CauseMissing, 1)
			d.outstanding--
		}
		t.want++
		d.pass(c, t)
	case t.gaps > 0 && d.gaps.fill(c, s.Seq):
		t.gaps--
		d.shardOf(t, s.Seq).Ops.Reordered++
	default:
		d.shardOf(t, s.Seq).Ops.Duplicate++
		return false
	}
	d.outstanding--
	greeting := t.greeting
	t.greeting = false
	shard := d.shardOf(t, s.Seq)
	shard.Ops.BytesReceived += uint64(size)
	if verdict != stamp.Intact {
		shard.Ops.Corrupt++
		shard.FailOp(results.CauseCorrupt, 1)
		return true
	}
	if r.Refused {
		shard.FailOp(refusal(greeting), 1)
		if greeting {
			d.lane.Drop(c, results.CauseJoin) // the rest of the run is for members
		}
		return true
	}
	if greeting && d.welcome != nil {
		d.welcome(c, r.Response)
	}
	if d.times != nil {
		s.Due, s.Sent = d.times[c].due, d.times[c].sent
	}
	shard.Ops.Completed++
	end := d.span.End
	if shard != d.main {
		end = d.span.Main
	}
	if now < end {
		shard.OnTime++
	}
	shard.Time(record.Response, now-s.Due)
	shard.Time(record.Service, now-s.Sent)
	shard.Time(record.FirstEcho, now-s.Sent)
	shard.Time(record.Join, now-s.Due)
	shard.Time(record.Probe, now-s.Due)
	return true
}

// refusal is the cause of an operation that was answered with a no.
func refusal(greeting bool) results.Cause {
	if greeting {
		return results.CauseJoin
	}
	return results.CauseRejected
}

// Lost fails what is outstanding on c, which is gone, and returns how many that
// were.
func (d *Delivery) Lost(c wire.Conn, why results.Cause) int {
	return d.fail(c, why, func(*record.Shard) {})
}

// Finish fails everything that is outstanding: there was no reply by the end of
// the drain. Replies that come later are stale.
func (d *Delivery) Finish(why results.Cause) {
	missing := func(s *record.Shard) {
		if why == results.CauseMissing {
			s.Ops.Missing++
		}
	}
	for c := range d.tracks {
		d.fail(wire.Conn(c), why, missing)
		d.tracks[c].base = d.tracks[c].next
	}
}

func (d *Delivery) fail(c wire.Conn, why results.Cause, also func(*record.Shard)) int {
	t := &d.tracks[c]
	n := 0
	one := func(seq uint32) {
		shard := d.shardOf(t, seq)
		shard.FailOp(why, 1)
		also(shard)
		n++
	}
	if t.gaps > 0 {
		d.gaps.close(c, one)
		t.gaps = 0
	}
	for ; t.want != t.next; t.want++ {
		if !d.unheard.fill(c, t.want) {
			one(t.want)
		}
	}
	t.greeting = false
	d.outstanding -= n
	return n
}
