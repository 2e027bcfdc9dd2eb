package workload

import (
	"time"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// A Broadcast publishes messages to rooms and verifies at every other member that
// each message comes once, in order and unchanged. An operation is a message. It is
// completed when all receivers have it; all of these deliveries are counted and
// timed as well, and when the first receiver, half of them and 99 % of them had the
// message.
//
// In an open loop a message is due by a schedule, and times run from there. In a
// closed loop the next message is published when one has arrived everywhere, and
// times run from when it was sent.
//
// A connection costs 4 B for each publisher of its room: the number of the message
// that is expected next. One of 100,000 deliveries of a message costs a comparison
// with the one before, an addition that lanes share, and a note of its time.
type Broadcast struct {
	common
	rota   // of publishers; a closed loop has k and due from it, and no schedule
	f      *Fanout
	b      *bulletins
	shards Shards
	want   []uint32 // of each connection and each publisher of its room
	gaps   gaps     // by the place in want

	publishers []uint32 // of this lane, by number in the run
	idle       int      // closed loop: messages that should be on their way and are not
	begun      bool     // all lanes have their part
	through    bool     // nothing is due any more
}

// NewBroadcast returns l's part of a broadcast, which publishes nothing before
// Begin. The lane must have been enrolled in f; d takes what is not published.
func NewBroadcast(l *lane.Lane, d *Delivery, c *channel.Client, f *Fanout, shards Shards) *Broadcast {
	b := &Broadcast{common: common{l: l, d: d}, f: f, b: &bulletins{Audience: &f.Audience, client: c}, shards: shards, gaps: newGaps()}
	b.want = make([]uint32, l.Conns*f.Publishers)
	for i := range b.want {
		b.want[i] = f.First
	}
	for p := range f.publishers {
		if c := l.Local(p); int(c) < l.Conns && l.Global(c) == p {
			b.publishers = append(b.publishers, p)
			f.owners[p] = b
		}
	}
	if f.InFlight > 0 {
		for i := range f.InFlight {
			if f.owners[i%len(f.owners)] == b {
				b.idle++
			}
		}
		b.due = f.Span.Start
		return b
	}
	b.rota = newRota(f.Span, f.Warm, f.Main, len(b.publishers), int(f.publishers), func(k int) int { return int(b.publishers[k]) })
	return b
}

// Begin lets the lane publish. Call it on the lane's thread when all lanes use their
// part: what reaches a lane before would be lost on it.
func (b *Broadcast) Begin() { b.begun = true }

// Next implements [lane.Workload].
func (b *Broadcast) Next() time.Duration {
	switch {
	case b.through || !b.begun:
		return lane.Never
	case b.f.InFlight > 0 && b.idle == 0:
		return b.f.Span.End
	case b.f.InFlight > 0:
		return min(b.due, b.f.Span.End)
	case b.due == lane.Never:
		return 0
	}
	return b.due
}

// Fire implements [lane.Workload].
func (b *Broadcast) Fire(now time.Duration) {
	switch {
	case b.through || !b.begun:
	case b.f.InFlight > 0 && now >= b.f.Span.End, b.f.InFlight == 0 && b.due == lane.Never:
		b.cease()
	case b.f.InFlight > 0:
		for ; b.idle > 0 && b.due <= now; b.idle-- {
			if !b.follow(now) {
				break
			}
		}
	default:
		for range few {
			if b.due > now {
				break
			}
			k, main, due := b.take()
			b.publish(b.publishers[k], main, due)
		}
	}
}

// cease says that nothing of this lane is due any more.
func (b *Broadcast) cease() {
	if b.through {
		return
	}
	b.through = true
	b.f.publishing.Add(-1)
	b.tell()
}

// tell notifies whoever waits for the end.
func (b *Broadcast) tell() {
	if b.f.over() {
		b.l.Notify()
	}
}

// follow publishes the next message of a closed loop by one of this lane's
// publishers. If that cannot be, it is to be tried again later.
func (b *Broadcast) follow(now time.Duration) bool {
	publisher := b.publishers[b.k]
	b.k = (b.k + 1) % len(b.publishers)
	if b.publish(publisher, now >= b.f.Span.Main, now) {
		return true
	}
	b.due = now + pause
	return false
}

// hand has the next message of a closed loop published by whose turn it is.
func (b *Broadcast) hand(now time.Duration) {
	f := b.f
	owner := f.owners[f.turn.Add(1)%uint64(len(f.owners))]
	switch {
	case now >= f.Span.End || owner == nil:
	case owner == b:
		if !b.through && !b.follow(now) {
			b.idle++
		}
	default:
		owner.l.Do(func() {
			if owner.idle++; owner.idle == 1 {
				owner.due = 0
			}
		})
	}
}

// publish sends a message to all others of the publisher's room, or drops it.
func (b *Broadcast) publish(publisher uint32, main bool, due time.Duration) bool {
	f, shard := b.f, b.shards.at(main)
	shard.Ops.Scheduled++
	c := b.l.Local(publisher)
	seq := f.sent[publisher].Load()
	fl, number := f.flight(publisher, seq)
	receivers := f.members[publisher%uint32(f.Rooms)].Load() - 1
	switch {
	case !b.l.IsOpen(c) || receivers < 1:
		shard.DropOp(results.CauseNoConn, 1)
		return false
	case fl.number.Load() != 0 || seq >= stamp.MaxSeq:
		shard.DropOp(results.CauseBacklog, 1)
		return false
	}
	now := b.l.Now()
	if f.InFlight > 0 {
		due = now
	}
	fl.receivers, fl.main, fl.due, fl.sent, fl.cause = uint32(receivers), main, due, now, ""
	fl.state.Store(0)
	fl.number.Store(number)
	f.sent[publisher].Store(seq + 1)
	f.depart(main, now)
	op, p, size := b.b.write(stamp.Stamp{Conn: publisher, Seq: seq, Due: due, Sent: now})
	if why := b.l.Send(c, op, p, nil); why != "" {
		f.sent[publisher].Store(seq)
		fl.number.Store(0)
		f.arrive(main, now)
		shard.DropOp(why, 1)
		if !b.l.IsOpen(c) {
			b.Ended(c, why, now)
		}
		return false
	}
	shard.Deliveries.Scheduled += uint64(receivers)
	shard.Ops.BytesSent += uint64(size)
	shard.Time(record.Lag, now-due)
	return true
}

// Ended implements [lane.Workload]. What was on its way to the connection fails.
func (b *Broadcast) Ended(c wire.Conn, why results.Cause, now time.Duration) {
	b.common.Ended(c, why, now)
	if why == "" {
		why = results.CauseStopped
	}
	f := b.f
	n := b.l.Global(c)
	fail := func(publisher, seq uint32) {
		if fl, number := f.flight(publisher, seq); fl.number.Load() == number {
			b.failed(fl, why, now)
		}
	}
	for p := n % uint32(f.Rooms); p < f.publishers; p += uint32(f.Rooms) {
		i := b.place(c, p)
		if p == n {
			continue
		}
		b.gaps.close(uint32(i), func(seq uint32) { fail(p, seq) })
		for sent := f.sent[p].Load(); int32(sent-b.want[i]) > 0; b.want[i]++ {
			fail(p, b.want[i])
		}
	}
	// Only now: a message that is sent in between counts it as a receiver and stays
	// incomplete, instead of being complete without one that is.
	f.members[n%uint32(f.Rooms)].Add(-1)
}

// Finished implements [Stage].
func (b *Broadcast) Finished() bool { return b.f.over() }

// Abort implements [Stage]. The last lane to be aborted closes the accounts of all
// messages that are on their way.
func (b *Broadcast) Abort(why results.Cause) {
	now := b.l.Now()
	if b.f.InFlight == 0 && !b.through {
		for b.due <= now {
			_, main, _ := b.take()
			shard := b.shards.at(main)
			shard.Ops.Scheduled++
			shard.DropOp(why, 1)
		}
	}
	b.end()
	b.idle = 0
	b.cease()
	if b.f.lanes.Add(-1) > 0 {
		return
	}
	missing := why != results.CauseStopped && why != results.CauseStalled && why != results.CauseReserve
	if missing {
		why = results.CauseMissing
	}
	for i := range b.f.flights {
		if fl := &b.f.flights[i]; fl.number.Load() != 0 {
			b.giveUp(fl, why, missing, now)
		}
	}
	b.tell()
}

// giveUp closes the account of a message whose time is over.
func (b *Broadcast) giveUp(fl *flight, why results.Cause, missing bool, now time.Duration) {
	shard := b.shards.at(fl.main)
	completed, failed := halves(fl.state.Load())
	rest := uint64(fl.receivers - completed - failed)
	shard.FailDelivery(why, rest)
	if missing {
		shard.Deliveries.Missing += rest
	}
	b.f.blame(fl, why)
	shard.FailOp(fl.cause, 1)
	main := fl.main
	fl.number.Store(0)
	b.f.arrive(main, now)
}
