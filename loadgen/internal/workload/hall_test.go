package workload

import (
	"bytes"
	"maps"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/channel/channeltest"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
	"signalbench/server/phoenix"
)

// hall is a stand of one lane whose connections publish to rooms.
type hall struct {
	*stand
	protocol *channel.Protocol
	fan      *Fanout
	stage    *Broadcast
	net      *wiretest.Net
	peers    map[wire.Conn]*wiretest.Peer

	audience Audience
	table    Timetable // without its span
	casts    int       // deliveries that the server was about to make
	// cast makes delivery number n, from 1, in the server's place.
	cast func(n, conn int, p []byte, send func(conn int, after time.Duration, p []byte))
}

func newHall(t *testing.T, v phoenix.Version, rooms, publishers, conns int) *hall {
	t.Helper()
	layout, err := NewBulletins(128, false, 7)
	if err != nil {
		t.Fatal(err)
	}
	refs, err := stamp.New(stamp.HeaderSize, 8)
	if err != nil {
		t.Fatal(err)
	}
	h := &hall{
		protocol: &channel.Protocol{Version: v, Topic: "room:b{n}", Rooms: uint32(rooms), Join: []byte(`{"ack":false}`), Event: "echo", Push: []byte(`{}`)},
		audience: Audience{Rooms: rooms, Publishers: publishers, Layout: layout, Refs: refs},
		table:    Timetable{Warm: pace.Burst{}, Main: pace.Constant{Rate: 100, Length: 2 * time.Second}},
		peers:    make(map[wire.Conn]*wiretest.Peer),
	}
	h.stand = newChannelStand(t, h.protocol, 1, conns, func(_ int, n *wiretest.Net, s *channeltest.Server) {
		h.net = n
		serve, send := n.Frame, s.Send
		n.Frame = func(p *wiretest.Peer, f ws.Frame) {
			h.peers[p.Conn] = p
			serve(p, f)
		}
		s.Send = func(conn int, after time.Duration, p []byte) {
			if h.cast == nil || !bytes.Contains(p, []byte(`"`+BroadcastEvent+`"`)) {
				send(conn, after, p)
				return
			}
			h.casts++
			h.cast(h.casts, conn, p, send)
		}
	})
	return h
}

// play publishes until all is over, and closes the accounts as after a drain.
func (h *hall) play() (warm, main *record.Set) {
	h.t.Helper()
	h.runJoined(func(i int, span Span) Stage {
		h.table.Span = span
		h.fan = NewFanout(h.audience, h.table, 1)
		h.fan.Enrol(h.lanes[i])
		h.stage = NewBroadcast(h.lanes[i], h.d[i], h.clients[i], h.fan, Shards{h.warm[i], h.main[i]})
		h.stage.Begin()
		return h.stage
	})
	before := h.told
	h.stage.Abort(results.CauseBacklog)
	if !h.stage.Finished() || h.told == before && h.told == 0 {
		h.t.Errorf("not finished, told %d times", h.told)
	}
	warm, main = h.sum()
	for name, s := range map[string]*record.Set{"warm-up": warm, "main": main} {
		h.check(name, s)
	}
	return warm, main
}

// check holds a phase to its books.
func (h *hall) check(name string, s *record.Set) {
	h.t.Helper()
	o, d := s.Ops, s.Deliveries
	if o.Scheduled != o.Completed+o.Failed+o.Dropped {
		h.t.Errorf("%s: operations %+v do not add up", name, o)
	}
	if d.Scheduled != d.Completed+d.Failed+d.Dropped {
		h.t.Errorf("%s: deliveries %+v do not add up", name, d)
	}
	for _, causes := range []struct {
		of    map[results.Cause]uint64
		total uint64
	}{{o.Causes, o.Failed + o.Dropped}, {d.Causes, d.Failed}} {
		var n uint64
		for k := range maps.Values(causes.of) {
			n += k
		}
		if n != causes.total {
			h.t.Errorf("%s: causes %v for %d", name, causes.of, causes.total)
		}
	}
	for m, n := range map[record.Metric]uint64{
		record.Response: o.Completed, record.Service: o.Completed, record.Lag: o.Completed + o.Failed, record.Delivery: d.Completed,
	} {
		if got := s.Histogram(m); got.Count()+got.Below() != n {
			h.t.Errorf("%s: %s holds %v, want %d", name, m, got, n)
		}
	}
	for _, m := range []record.Metric{record.First, record.Median, record.P99} {
		if n := s.Histogram(m).Count(); n < o.Completed || n > o.Completed+o.Failed {
			h.t.Errorf("%s: %s holds %d values of %+v", name, m, n, o)
		}
	}
}

// about reports whether a time is right to the resolution of a histogram.
func about(got, want time.Duration) bool {
	return got > want-want/500-time.Microsecond && got < want+want/500+time.Microsecond
}

// fault spoils what the server is about to deliver.
type fault func(h *hall, n, conn int, p []byte, send func(int, time.Duration, []byte))

// every spoils each k-th delivery.
func every(k int, f fault) fault {
	return func(h *hall, n, conn int, p []byte, send func(int, time.Duration, []byte)) {
		if n%k == 0 {
			f(h, n, conn, p, send)
			return
		}
		send(conn, 0, p)
	}
}

// spoil changes an octet of what is verified, counted from its beginning.
func spoil(at int, to func(byte) byte) fault {
	return func(_ *hall, _, conn int, p []byte, send func(int, time.Duration, []byte)) {
		p = bytes.Clone(p)
		begin := bytes.Index(p, []byte(bulletinHead)) + len(bulletinHead)
		p[begin+at] = to(p[begin+at])
		send(conn, 0, p)
	}
}

func digit(b byte) byte {
	if b == '0' {
		return '1'
	}
	return '0'
}
