package workload

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
	"signalbench/server/phoenix"
)

// Every message reaches everybody else in its room, and it is known when the first,
// half, 99 % and all of them had it: the k-th member has it k tenths of a second
// after the server.
func TestBroadcast(t *testing.T) {
	t.Parallel()
	for _, v := range []phoenix.Version{phoenix.V1, phoenix.V2} {
		const rooms, publishers, conns = 2, 3, 22
		h := newHall(t, v, rooms, publishers, conns)
		h.table.Warm = pace.Constant{Rate: 50, Length: time.Second}
		h.cast = func(_, conn int, p []byte, send func(int, time.Duration, []byte)) {
			k := conn / rooms
			send(conn, time.Duration(k)*10*time.Millisecond, p)
		}
		warm, main := h.play()
		if o := warm.Ops; o.Completed != 50 || warm.OnTime > 50 {
			t.Errorf("warm-up: %+v", o)
		}
		if o := main.Ops; o.Scheduled != 200 || o.Completed != 200 {
			t.Errorf("operations: %+v", o)
		}
		const receivers = conns/rooms - 1
		if d := main.Deliveries; d.Scheduled != 200*receivers || d.Completed != 200*receivers || d.Missing+d.Duplicate+d.Reordered+d.Corrupt != 0 {
			t.Errorf("deliveries: %+v", d)
		}
		if d := main.Deliveries; d.BytesReceived != 128*d.Completed || main.Ops.BytesSent != 128*200 {
			t.Errorf("%d B sent, %d B received", main.Ops.BytesSent, d.BytesReceived)
		}
		if main.Unexpected+main.Stale+main.Untracked+warm.Unexpected != 0 {
			t.Errorf("%+v", main)
		}
		// Members 0 to 2 publish; 3 to 10 receive all, of the publishers two.
		for m, want := range map[record.Metric]time.Duration{
			record.First: 10, record.Median: 10 + 50, record.P99: 10 + 100, record.Response: 10 + 100, record.Service: 10 + 100,
		} {
			if got := main.Histogram(m).Max(); !about(got, want*time.Millisecond) && m != record.First {
				t.Errorf("%v: %s at most %v, want %v", v, m, got, want*time.Millisecond)
			}
			if got := main.Histogram(m).Min(); m == record.First && !about(got, want*time.Millisecond) {
				t.Errorf("%v: %s at least %v, want %v", v, m, got, want*time.Millisecond)
			}
		}
		if busy := h.fan.Busy(true); busy < 2*time.Second || busy > 2200*time.Millisecond {
			t.Errorf("busy for %v, want the window and the last message", busy)
		}
		if next := h.fan.Next(); next < 250/(rooms*publishers) || next > 250/(rooms*publishers)+3 {
			t.Errorf("next load begins with %d", next)
		}
	}
}

// Of two messages that do not overlap, what is between them is not busy.
func TestBroadcastBusy(t *testing.T) {
	t.Parallel()
	h := newHall(t, phoenix.V2, 1, 1, 5)
	h.table.Main = pace.Constant{Rate: 4, Length: 2 * time.Second}
	h.cast = func(_, conn int, p []byte, send func(int, time.Duration, []byte)) { send(conn, 90*time.Millisecond, p) }
	_, main := h.play()
	if o := main.Ops; o.Completed != 8 {
		t.Errorf("%+v", o)
	}
	if busy := h.fan.Busy(true); !about(busy, 800*time.Millisecond) {
		t.Errorf("busy for %v, want 8 times 100ms", busy)
	}
	if busy := h.fan.Busy(false); busy != 0 {
		t.Errorf("the warm-up, which there was not, was busy for %v", busy)
	}
}

// A server that fails in a known way is found out exactly. 200 messages reach 10
// receivers each: 2000 deliveries.
func TestBroadcastFaults(t *testing.T) {
	t.Parallel()
	const total = 2000
	type want struct {
		missing, duplicate, reordered, corrupt uint64
		unexpected                             uint64
	}
	held := make(map[int][]byte)
	for name, tc := range map[string]struct {
		fault fault
		want  want
	}{
		"none": {every(1, func(_ *hall, _, conn int, p []byte, send func(int, time.Duration, []byte)) { send(conn, 0, p) }), want{}},
		"drop": {every(7, func(*hall, int, int, []byte, func(int, time.Duration, []byte)) {}), want{missing: total / 7}},
		"duplicate": {every(8, func(_ *hall, _, conn int, p []byte, send func(int, time.Duration, []byte)) {
			send(conn, 0, p)
			send(conn, 0, p)
		}), want{duplicate: total / 8}},
		"duplicate much later": {every(9, func(_ *hall, _, conn int, p []byte, send func(int, time.Duration, []byte)) {
			send(conn, 0, p)
			send(conn, 300*time.Millisecond, p)
		}), want{duplicate: total / 9}},
		// Member 5 gets every second message behind the next one.
		"reorder": {func(_ *hall, _, conn int, p []byte, send func(int, time.Duration, []byte)) {
			if conn != 5 {
				send(conn, 0, p)
				return
			}
			if first := held[conn]; first != nil {
				send(conn, 0, p)
				send(conn, 0, first)
				delete(held, conn)
				return
			}
			held[conn] = bytes.Clone(p)
		}, want{reordered: total / 10 / 2}},
		"spoil the check":  {every(11, spoil(0, digit)), want{corrupt: total / 11}},
		"spoil the number": {every(11, spoil(10, digit)), want{corrupt: total / 11}},
		"spoil the time":   {every(11, spoil(16, digit)), want{corrupt: total / 11}},
		"spoil the body":   {every(11, spoil(50, digit)), want{corrupt: total / 11}},
		"spoil the JSON":   {every(11, spoil(50, func(byte) byte { return '"' })), want{corrupt: total / 11}},
		"cut": {every(11, func(_ *hall, _, conn int, p []byte, send func(int, time.Duration, []byte)) {
			send(conn, 0, p[:len(p)-3])
		}), want{corrupt: total / 11}},
		"another's payload": {every(11, func(_ *hall, _, conn int, p []byte, send func(int, time.Duration, []byte)) {
			send(conn, 0, []byte(`[null,null,"room:b0","broadcast",{"x":1}]`))
		}), want{corrupt: total / 11}},
		"to another room": {every(13, func(_ *hall, _, conn int, p []byte, send func(int, time.Duration, []byte)) {
			send(conn, 0, bytes.Replace(p, []byte("room:b0"), []byte("room:b1"), 1))
		}), want{missing: total / 13, unexpected: total / 13}},
		"to the publisher": {every(13, func(_ *hall, _, conn int, p []byte, send func(int, time.Duration, []byte)) {
			send(conn, 0, p)
			send(0, 0, p)
		}), want{unexpected: total / 13}},
		"late": {every(13, func(h *hall, _, conn int, p []byte, send func(int, time.Duration, []byte)) {
			h.net.After(time.Hour, func(wire.Events) { h.lanes[0].Stop() }) // the drain is over
			send(conn, 2*time.Hour, p)
		}), want{missing: total / 13}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHall(t, phoenix.V2, 1, 1, 11)
			h.cast = func(n, conn int, p []byte, send func(int, time.Duration, []byte)) { tc.fault(h, n, conn, p, send) }
			_, main := h.play()
			d := main.Deliveries
			got := want{d.Missing, d.Duplicate, d.Reordered, d.Corrupt, main.Unexpected}
			if name == "reorder" {
				d.Scheduled = total
			}
			if got != tc.want || d.Scheduled != total || d.Failed != tc.want.missing+tc.want.corrupt {
				t.Errorf("found %+v of %+v, want %+v", got, d, tc.want)
			}
			spoiled := tc.want.missing + tc.want.corrupt
			if o := main.Ops; o.Completed+o.Failed != 200 || spoiled == 0 && o.Failed != 0 || o.Failed > spoiled || spoiled > 0 && o.Failed == 0 {
				t.Errorf("operations %+v with %d deliveries spoiled", o, spoiled)
			}
		})
	}
}

// A delivery that was delayed is in the times of its message, from when it was due.
func TestBroadcastDelay(t *testing.T) {
	t.Parallel()
	h := newHall(t, phoenix.V2, 1, 1, 101)
	h.table.Main = pace.Constant{Rate: 10, Length: 2 * time.Second}
	h.cast = func(_, conn int, p []byte, send func(int, time.Duration, []byte)) {
		after := time.Duration(0)
		if conn == 100 { // one of a hundred
			after = 3 * time.Second
		}
		send(conn, after, p)
	}
	_, main := h.play()
	for m, want := range map[record.Metric]time.Duration{record.P99: 10 * time.Millisecond, record.Response: 3010 * time.Millisecond, record.Service: 3010 * time.Millisecond} {
		if got := main.Histogram(m).Max(); !about(got, want) {
			t.Errorf("%s: %v, want %v", m, got, want)
		}
	}
	if got := main.Histogram(record.Delivery).Max(); !about(got, 3010*time.Millisecond) || main.OnTime != 0 {
		t.Errorf("the last delivery after %v, %d on time", got, main.OnTime)
	}
}

// A server that does not take a message says so, and nothing is missing.
func TestBroadcastRefused(t *testing.T) {
	t.Parallel()
	h := newHall(t, phoenix.V2, 1, 2, 6)
	n := 0
	h.servers[0].Deny = func(int, string) string {
		if n++; n%10 == 0 {
			return "room is busy"
		}
		return ""
	}
	_, main := h.play()
	if o := main.Ops; o.Completed != 180 || o.Causes[results.CauseRejected] != 20 {
		t.Errorf("%+v", o)
	}
	if d := main.Deliveries; d.Completed != 180*5 || d.Causes[results.CauseRejected] != 20*5 || d.Missing != 0 {
		t.Errorf("%+v", d)
	}
}

// Replies to what is published, if they were asked for, are put aside.
func TestBroadcastReplies(t *testing.T) {
	t.Parallel()
	h := newHall(t, phoenix.V2, 1, 1, 3)
	h.protocol.Join = []byte(`{}`)
	_, main := h.play()
	if o := main.Ops; o.Completed != 200 || main.Aside < 200 || main.Unexpected != 0 {
		t.Errorf("%+v, %d aside", o, main.Aside)
	}
}

// A receiver that is lost fails what was on its way to it, and is none any more; a
// publisher that is lost publishes no more.
func TestBroadcastLost(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		conn int
		ops  func(o, deliveries results.Ops) bool
	}{
		"a receiver": {7, func(o, d results.Ops) bool {
			return o.Causes[results.CauseClosed] == 3 && o.Completed == 197 && d.Missing == 0
		}},
		// One message was on its way to the server.
		"a publisher": {0, func(o, d results.Ops) bool {
			return o.Dropped > 50 && o.Causes[results.CauseNoConn] == o.Dropped && o.Failed == 1 && d.Missing == 9 && d.Failed == 9
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHall(t, phoenix.V2, 1, 1, 10)
			h.cast = func(n, conn int, p []byte, send func(int, time.Duration, []byte)) {
				if n/9 >= 100 && conn == 7 && tc.conn == 7 {
					if n/9 == 102 {
						h.peers[7].End(results.CauseClosed)
					}
					return
				}
				if n/9 == 102 && tc.conn == 0 && h.peers[0] != nil {
					h.peers[0].End(results.CauseClosed)
					delete(h.peers, 0)
				}
				send(conn, 0, p)
			}
			_, main := h.play()
			if !tc.ops(main.Ops, main.Deliveries) {
				t.Errorf("%+v, deliveries %+v", main.Ops, main.Deliveries)
			}
		})
	}
}

// A closed loop has as many messages on their way as it was told, times them from
// when they were sent, and ends.
func TestBroadcastClosed(t *testing.T) {
	t.Parallel()
	for _, inFlight := range []int{1, 4} {
		h := newHall(t, phoenix.V2, 1, 2, 6)
		h.table.InFlight = inFlight
		h.cast = func(_, conn int, p []byte, send func(int, time.Duration, []byte)) {
			send(conn, time.Duration(conn)*8*time.Millisecond, p)
		}
		warm, main := h.play()
		// 10 ms to the server and 40 ms to member 5.
		want := uint64(inFlight) * 2000 / 50
		if o := main.Ops; o.Completed < want-uint64(inFlight) || o.Completed > want+uint64(inFlight) || o.Failed+o.Dropped != 0 || warm.Ops.Completed == 0 {
			t.Errorf("%d in flight: %+v, want %d", inFlight, o, want)
		}
		if got := main.Histogram(record.Service); !about(got.Min(), 50*time.Millisecond) || !about(got.Max(), 50*time.Millisecond) {
			t.Errorf("%d in flight: service %v", inFlight, got)
		}
		if lag := main.Histogram(record.Lag).Max(); lag != 0 {
			t.Errorf("%d in flight: lag %v", inFlight, lag)
		}
	}
}

// A closed loop goes on when a message cannot be sent.
func TestBroadcastClosedGoesOn(t *testing.T) {
	t.Parallel()
	h := newHall(t, phoenix.V2, 1, 2, 6)
	h.table.InFlight = 1
	h.net.Choked = func(c wire.Conn) bool { return c == 0 && h.casts > 100 && h.casts < 200 }
	h.cast = func(_, conn int, p []byte, send func(int, time.Duration, []byte)) { send(conn, 0, p) }
	_, main := h.play()
	if o := main.Ops; o.Failed != 0 || o.Completed < 150 {
		t.Errorf("%+v", o)
	}
}

// Nothing is published before all lanes can take it.
func TestBroadcastWaits(t *testing.T) {
	t.Parallel()
	h := newHall(t, phoenix.V2, 1, 1, 3)
	h.cast = func(int, int, []byte, func(int, time.Duration, []byte)) { t.Error("published too early") }
	h.runJoined(func(i int, span Span) Stage {
		h.table.Span = span
		h.fan = NewFanout(h.audience, h.table, 1)
		h.fan.Enrol(h.lanes[i])
		h.stage = NewBroadcast(h.lanes[i], h.d[i], h.clients[i], h.fan, Shards{h.warm[i], h.main[i]})
		return h.stage
	})
	if next := h.stage.Next(); next != lane.Never || h.stage.Finished() {
		t.Errorf("next at %v, finished %v", next, h.stage.Finished())
	}
	if h.stage.Begin(); h.stage.Next() != 11*time.Second {
		t.Errorf("after Begin, next at %v", h.stage.Next())
	}
}

// More messages than can be told apart are dropped, not mixed up.
func TestBroadcastTooManyOnTheWay(t *testing.T) {
	t.Parallel()
	h := newHall(t, phoenix.V2, 1, 1, 2)
	h.table.Main = pace.Constant{Rate: (FlightLimit + 100) / 2, Length: 2 * time.Second}
	h.cast = func(_, conn int, p []byte, send func(int, time.Duration, []byte)) { send(conn, 10*time.Second, p) }
	_, main := h.play()
	if o := main.Ops; o.Completed != FlightLimit || o.Causes[results.CauseBacklog] != 100 {
		t.Errorf("%+v", o)
	}
}

// A run that is stopped says so, and messages of an earlier load are stale.
func TestBroadcastStopped(t *testing.T) {
	t.Parallel()
	h := newHall(t, phoenix.V2, 1, 1, 3)
	h.audience.First = 5
	var last []byte
	h.cast = func(_, conn int, p []byte, _ func(int, time.Duration, []byte)) { last = bytes.Clone(p) }
	h.runJoined(func(i int, span Span) Stage {
		h.table.Span = span
		h.fan = NewFanout(h.audience, h.table, 1)
		h.fan.Enrol(h.lanes[i])
		h.stage = NewBroadcast(h.lanes[i], h.d[i], h.clients[i], h.fan, Shards{h.warm[i], h.main[i]})
		h.stage.Begin()
		return h.stage
	})
	h.stage.Abort(results.CauseStopped)
	_, main := h.sum()
	h.check("main", main)
	if o, d := main.Ops, main.Deliveries; o.Causes[results.CauseStopped] != 200 || d.Causes[results.CauseStopped] != 400 || d.Missing != 0 {
		t.Errorf("%+v, deliveries %+v", o, d)
	}
	if h.fan.Next() != 205 {
		t.Errorf("the next load begins with %d", h.fan.Next())
	}
	h.audience.First = 205
	fan := NewFanout(h.audience, h.table, 1)
	next := NewBroadcast(h.lanes[0], h.d[0], h.clients[0], fan, Shards{h.warm[0], h.main[0]})
	next.Received(1, frame.Text, last, time.Hour)
	if h.main[0].Stale != 1 {
		t.Errorf("%d stale", h.main[0].Stale)
	}
}

// Binary messages are verified as well.
func TestBroadcastBinary(t *testing.T) {
	t.Parallel()
	layout, err := NewBulletins(64, true, 7)
	if err != nil {
		t.Fatal(err)
	}
	h := newHall(t, phoenix.V2, 1, 1, 4)
	h.protocol.Binary, h.audience.Binary, h.audience.Layout = true, true, layout
	serve := h.net.Frame
	h.net.Frame = func(p *wiretest.Peer, f ws.Frame) {
		if f.Header.OpCode != ws.OpBinary {
			serve(p, f)
			return
		}
		// Phoenix's push: a byte of kind, four of lengths, and what they measure.
		b := f.Payload
		joinRef, ref, topic, event := int(b[1]), int(b[2]), int(b[3]), int(b[4])
		rest := string(b[5+joinRef+ref:])
		out := []byte(fmt.Sprintf("\x02%c%c%s", topic, event, rest))
		for _, other := range h.peers {
			if other.Conn != p.Conn {
				other.WriteAfter(0, ws.MustCompileFrame(ws.NewBinaryFrame(out)))
			}
		}
	}
	_, main := h.play()
	if o, d := main.Ops, main.Deliveries; o.Completed != 200 || d.Completed != 600 || d.BytesReceived != 600*64 {
		t.Errorf("%+v, deliveries %+v", o, d)
	}
}

func TestBulletinSizes(t *testing.T) {
	for _, tc := range []struct {
		size   int
		binary bool
		ok     bool
	}{{128, false, true}, {40, false, true}, {39, false, false}, {32, true, true}, {31, true, false}} {
		layout, err := NewBulletins(tc.size, tc.binary, 1)
		if (err == nil) != tc.ok || err != nil && !strings.Contains(err.Error(), "too small") {
			t.Errorf("%d B, binary %v: %v", tc.size, tc.binary, err)
		}
		if err != nil {
			continue
		}
		h := newHall(t, phoenix.V2, 1, 1, 2)
		h.audience.Layout, h.audience.Binary = layout, tc.binary
		b := &bulletins{Audience: &h.audience, client: h.clients[0]}
		for seq := range uint32(300) { // some have a backslash among their digits
			_, p, size := b.write(stamp.Stamp{Seq: seq, Due: time.Duration(seq) * 12345})
			var m phoenix.Message
			if err := m.Decode(phoenix.V2, tc.binary, p); err != nil || size != tc.size || len(m.Payload) != tc.size {
				t.Fatalf("%q of %d B: %v", m.Payload, size, err)
			}
		}
	}
}

// What most receivers of a message cost allocates nothing.
func TestBroadcastAllocatesNothing(t *testing.T) {
	h := newHall(t, phoenix.V2, 1, 1, 102)
	var last []byte
	h.table.Main = pace.Constant{Rate: 1, Length: time.Second}
	h.cast = func(_, _ int, p []byte, _ func(int, time.Duration, []byte)) { last = bytes.Clone(p) }
	h.runJoined(func(i int, span Span) Stage {
		h.table.Span = span
		h.fan = NewFanout(h.audience, h.table, 1)
		h.fan.Enrol(h.lanes[i])
		h.stage = NewBroadcast(h.lanes[i], h.d[i], h.clients[i], h.fan, Shards{h.warm[i], h.main[i]})
		h.stage.Begin()
		return h.stage
	})
	next := wire.Conn(1)
	if n := testing.AllocsPerRun(100, func() {
		h.stage.Received(next, frame.Text, last, time.Hour)
		next++
	}); n != 0 {
		t.Errorf("%v allocations for a delivery", n)
	}
	if d := h.main[0].Deliveries; d.Completed != 101 {
		t.Errorf("%+v", d)
	}
}

func BenchmarkBroadcastDelivery(b *testing.B) {
	h := newHall(&testing.T{}, phoenix.V2, 1, 1, 1000)
	l := h.lanes[0]
	h.table.Span = Endless()
	h.fan = NewFanout(h.audience, h.table, 1)
	pool := record.NewPool(record.Delivery, record.First, record.Median, record.P99)
	h.stage = NewBroadcast(l, h.d[0], h.clients[0], h.fan, Shards{pool.Shard(), pool.Shard()})
	_, p, _ := h.stage.b.write(stamp.Stamp{Seq: 0})
	p = bytes.Clone(p)
	h.fan.sent[0].Store(1)
	fl, number := h.fan.flight(0, 0)
	fl.receivers, fl.main = 1<<31, true
	fl.number.Store(number)
	c := wire.Conn(0)
	for b.Loop() {
		if c++; int(c) == l.Conns {
			c = 1
			for i := range h.stage.want {
				h.stage.want[i] = 0
			}
		}
		h.stage.Received(c, frame.Text, p, time.Second)
	}
}
