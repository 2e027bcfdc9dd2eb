package workload

import (
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// Received implements [lane.Workload].
func (b *Broadcast) Received(c wire.Conn, op frame.Opcode, p []byte, now time.Duration) {
	if k := b.b.recall(op, p); k != nil {
		b.came(c, k, now)
		return
	}
	switch what, got := b.b.read(b.l.Global(c), op, p); what {
	case news:
		if got.verdict == stamp.BadHeader {
			b.broken(c, got.size, now)
			return
		}
		b.came(c, &got, now)
	case elsewise:
		b.shards.Main.Unexpected++
	case denied:
		b.refused(got.publisher, got.seq, now)
	case granted:
		b.shards.Main.Aside++
	default:
		b.common.Received(c, op, p, now)
	}
}

// place is where connection c's account of a publisher of its room is.
func (b *Broadcast) place(c wire.Conn, publisher uint32) int {
	return int(c)*b.f.Publishers + int(publisher)/b.f.Rooms
}

// came takes a message that says which one it is.
func (b *Broadcast) came(c wire.Conn, k *bulletin, now time.Duration) {
	f := b.f
	n := b.l.Global(c)
	if room := n % uint32(f.Rooms); k.room != room || k.publisher%uint32(f.Rooms) != room || k.publisher == n {
		b.shards.Main.Unexpected++ // not for this connection
		return
	}
	i := b.place(c, k.publisher)
	fl, number := f.flight(k.publisher, k.seq)
	reordered := false
	switch {
	case int32(k.seq-f.First) < 0:
		b.shards.Main.Stale++
		return
	case int32(k.seq-f.sent[k.publisher].Load()) >= 0:
		b.shards.Main.Unexpected++ // intact, and never sent
		return
	case int32(k.seq-b.want[i]) >= 0:
		for ; b.want[i] != k.seq; b.want[i]++ {
			if !b.gaps.open(uint32(i), b.want[i]) {
				// Should it come later, it looks like a duplicate.
				b.shards.Main.Untracked++
			}
		}
		b.want[i]++
	case b.gaps.fill(uint32(i), k.seq):
		reordered = true
	default:
		b.shards.Main.Deliveries.Duplicate++
		return
	}
	if fl.number.Load() != number {
		b.shards.Main.Stale++ // it was refused, and comes all the same
		return
	}
	shard := b.shards.at(fl.main)
	if reordered {
		shard.Deliveries.Reordered++
	}
	shard.Deliveries.BytesReceived += uint64(k.size)
	if k.verdict != stamp.Intact {
		shard.Deliveries.Corrupt++
		b.failed(fl, results.CauseCorrupt, now)
		return
	}
	b.delivered(fl, now)
}

// broken takes a message that cannot say which one it is. Servers send in order, so
// it stands for the first that is missing.
func (b *Broadcast) broken(c wire.Conn, size int, now time.Duration) {
	f := b.f
	n := b.l.Global(c)
	for p := n % uint32(f.Rooms); p < f.publishers; p += uint32(f.Rooms) {
		i := b.place(c, p)
		if p == n || b.want[i] == f.sent[p].Load() {
			continue
		}
		fl, number := f.flight(p, b.want[i])
		b.want[i]++
		if fl.number.Load() != number {
			continue
		}
		shard := b.shards.at(fl.main)
		shard.Deliveries.BytesReceived += uint64(size)
		shard.Deliveries.Corrupt++
		b.failed(fl, results.CauseCorrupt, now)
		return
	}
	b.shards.Main.Unexpected++
}

// delivered counts a delivery, and the message with its last one.
func (b *Broadcast) delivered(fl *flight, now time.Duration) {
	shard := b.shards.at(fl.main)
	shard.Deliveries.Completed++
	took := now - fl.due
	shard.Time(record.Delivery, took)
	// As soon as the last delivery is counted, the flight may be another's.
	receivers := fl.receivers
	completed, failed := fl.completed()
	if completed == 1 {
		shard.Time(record.First, took)
	}
	if completed == milestone(receivers, 50) {
		shard.Time(record.Median, took)
	}
	if completed == milestone(receivers, 99) {
		shard.Time(record.P99, took)
	}
	if completed+failed == receivers {
		b.settle(fl, failed == 0, now)
	}
}

// failed counts a delivery that failed.
func (b *Broadcast) failed(fl *flight, why results.Cause, now time.Duration) {
	b.shards.at(fl.main).FailDelivery(why, 1)
	b.f.blame(fl, why)
	receivers := fl.receivers
	if completed, failed := fl.failed(1); completed+failed == receivers {
		b.settle(fl, false, now)
	}
}

// settle ends a message of which every delivery is accounted for.
func (b *Broadcast) settle(fl *flight, completed bool, now time.Duration) {
	f, shard := b.f, b.shards.at(fl.main)
	if completed {
		shard.Ops.Completed++
		end := f.Span.End
		if !fl.main {
			end = f.Span.Main
		}
		if now < end {
			shard.OnTime++
		}
		shard.Time(record.Response, now-fl.due)
		shard.Time(record.Service, now-fl.sent)
	} else {
		shard.FailOp(fl.cause, 1)
	}
	main := fl.main
	fl.number.Store(0)
	f.arrive(main, now)
	if f.InFlight > 0 {
		b.hand(now)
	}
	b.tell()
}

// refused fails what is left of a message that the server does not take.
func (b *Broadcast) refused(publisher, seq uint32, now time.Duration) {
	fl, number := b.f.flight(publisher, seq)
	if fl.number.Load() != number {
		b.shards.Main.Stale++
		return
	}
	b.f.blame(fl, results.CauseRejected)
	for {
		state := fl.state.Load()
		completed, failed := halves(state)
		rest := fl.receivers - completed - failed
		if rest == 0 {
			return
		}
		if fl.state.CompareAndSwap(state, state+uint64(rest)<<32) {
			b.shards.at(fl.main).FailDelivery(results.CauseRejected, uint64(rest))
			b.settle(fl, false, now)
			return
		}
	}
}
