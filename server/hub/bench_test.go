package hub_test

import (
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"testing"

	"signalbench/server/engine"
	"signalbench/server/hub"
)

// A sink is a connection that takes everything and keeps nothing but the answer to
// its join.
type sink struct {
	state  any
	answer []byte
	took   atomic.Int64
	heard  *atomic.Int64 // of broadcasts, by several; may be nil
}

func (s *sink) Send(_ engine.Opcode, p []byte) error {
	if s.took.Add(1) == 1 {
		s.answer = append([]byte(nil), p...)
	}
	return nil
}

func (s *sink) SendPrepared(*engine.Prepared) error {
	if s.heard != nil {
		s.heard.Add(1)
	}
	return nil
}

func (s *sink) Home() engine.Home                    { return nil }
func (s *sink) Close(engine.CloseCode, string) error { return nil }
func (s *sink) SetState(v any)                       { s.state = v }
func (s *sink) State() any                           { return s.state }
func (s *sink) RemoteAddr() net.Addr                 { return nil }

// settle joins room:x without presence and returns the id.
func settle(h *hub.Hub, vsn string) (s *sink, id string) {
	s = new(sink)
	h.Open(s, &engine.Request{Path: hub.Path, RawQuery: "vsn=" + vsn})
	h.Message(s, engine.OpText, join[vsn])
	return s, string(idPattern.FindSubmatch(s.answer)[1])
}

var join = map[string][]byte{
	"1.0.0": []byte(`{"topic":"room:x","event":"phx_join","payload":{"presence":false},"ref":"1"}`),
	"2.0.0": []byte(`["1","1","room:x","phx_join",{"presence":false}]`),
}

// offer returns an offer of a typical length to a peer.
func offer(to string) []byte {
	return fmt.Appendf(nil, `["1","2","room:x","offer",{"to":"%s","sdp":"%0400d"}]`, to, 0)
}

// Relaying allocates nothing, the reply included, whatever the receiver speaks.
func TestRelayAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools forget on purpose")
	}
	for vsn := range join {
		h := newHub(t, nil)
		to, id := settle(h, vsn)
		from, _ := settle(h, "2.0.0")
		message := offer(id)
		if a := testing.AllocsPerRun(1000, func() { h.Message(from, engine.OpText, message) }); a != 0 {
			t.Errorf("%v allocations for each relay to version %s", a, vsn)
		}
		if to.took.Load() < 1000 || from.took.Load() < 1000 {
			t.Errorf("%d messages and %d replies came", to.took.Load(), from.took.Load())
		}
	}
}

// BenchmarkRelay is an offer of 450 B and its reply, to connections that cost
// nothing.
func BenchmarkRelay(b *testing.B) {
	h := newHub(b, nil)
	_, id := settle(h, "2.0.0")
	from, _ := settle(h, "2.0.0")
	message := offer(id)
	b.ReportAllocs()
	for b.Loop() {
		h.Message(from, engine.OpText, message)
	}
}

// BenchmarkRelayParallel is the same from several connections of one room.
func BenchmarkRelayParallel(b *testing.B) {
	h := newHub(b, nil)
	_, id := settle(h, "2.0.0")
	message := offer(id)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		from, _ := settle(h, "2.0.0")
		for pb.Next() {
			h.Message(from, engine.OpText, message)
		}
	})
}

// BenchmarkBroadcast is a message of 128 B until all have it.
func BenchmarkBroadcast(b *testing.B) {
	for _, size := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			h := newHub(b, nil)
			var heard atomic.Int64
			for range size {
				s, _ := settle(h, "2.0.0")
				s.heard = &heard
			}
			payload := fmt.Appendf(nil, `"%0128d"`, 0)
			want := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				n, err := h.Broadcast("room:x", "tick", payload)
				if err != nil {
					b.Fatal(err)
				}
				for want += int64(n); heard.Load() < want; {
					runtime.Gosched()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/delivery")
		})
	}
}

// BenchmarkJoinAndLeave is one peer that comes and goes, in presence, in a room of
// so many others.
func BenchmarkJoinAndLeave(b *testing.B) {
	for _, size := range []int{0, 50, 10_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			h := newHub(b, nil)
			enter := []byte(`["1","1","room:x","phx_join",{"user":"u123"}]`)
			exit := []byte(`["1","2","room:x","phx_leave",{}]`)
			newcomer := func() *sink {
				s := new(sink)
				h.Open(s, &engine.Request{Path: hub.Path, RawQuery: "vsn=2.0.0"})
				h.Message(s, engine.OpText, enter)
				return s
			}
			for range size {
				newcomer()
			}
			s := newcomer()
			b.ReportAllocs()
			for b.Loop() {
				h.Message(s, engine.OpText, exit)
				h.Message(s, engine.OpText, enter)
			}
		})
	}
}

// BenchmarkMember tells what a member costs the process: its session and its part
// of a room, with a user, without the connection.
func BenchmarkMember(b *testing.B) {
	for _, room := range []int{1, 8, 50, 1_000, 100_000} {
		b.Run(fmt.Sprintf("room of %d", room), func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(memberBytes(b, 100_000, room), "B/member")
			}
		})
	}
}

// memberBytes is the heap's growth for each of many members.
func memberBytes(tb testing.TB, members, room int) float64 {
	h := newHub(tb, nil)
	conns := make([]sink, members)
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range conns {
		c := &conns[i]
		c.took.Store(1) // the answer is not kept
		h.Open(c, &engine.Request{Path: hub.Path, RawQuery: "vsn=2.0.0"})
		h.Message(c, engine.OpText, fmt.Appendf(nil, `["1","1","room:%d","phx_join",{"user":"u123"}]`, i/room))
	}
	grown := float64(heap()) - float64(before)
	runtime.KeepAlive(conns)
	if st := h.Stats(); st.Members != members {
		tb.Fatalf("%d members, want %d", st.Members, members)
	}
	return grown / float64(members)
}

// A member of a room of some size, with a user, costs at most this.
func TestMemberFootprint(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector keeps objects longer")
	}
	const allowed = 220
	if got := memberBytes(t, 20_000, 50); got > allowed {
		t.Errorf("a member costs %.0f B, want at most %d B", got, allowed)
	}
}
