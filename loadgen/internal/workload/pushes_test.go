package workload

import (
	"maps"
	"testing"
	"time"
	"unsafe"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/channel/channeltest"
	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
	"signalbench/server/phoenix"
)

// A connection costs 20 B of accounts whatever it speaks.
func TestTrackSize(t *testing.T) {
	if n := unsafe.Sizeof(track{}); n != 20 {
		t.Errorf("a connection has %d B, want 20", n)
	}
}

// protocol is what the tests speak: one room for every two connections.
func protocol(v phoenix.Version) *channel.Protocol {
	return &channel.Protocol{Version: v, Topic: "room:b{n}", Rooms: 5, Join: []byte(`{}`), Event: "echo", Push: []byte(`{"a":[1,2]}`)}
}

// newChannelStand is a stand whose lanes speak p to one server each. shape
// prepares them.
func newChannelStand(t *testing.T, p *channel.Protocol, lanes, conns int, shape func(i int, n *wiretest.Net, s *channeltest.Server)) *stand {
	t.Helper()
	servers := make([]*channeltest.Server, lanes)
	s := newStretchedStand(t, lanes, conns, int(max(1, p.Swarm)), stamp.HeaderSize, func(i int, n *wiretest.Net) {
		n.Latency = 10 * time.Millisecond
		peers := make(map[wire.Conn]*wiretest.Peer)
		server := &channeltest.Server{V1: p.Version == phoenix.V1, Send: func(conn int, after time.Duration, b []byte) {
			if p := peers[wire.Conn(conn)]; p != nil {
				p.WriteAfter(after, ws.MustCompileFrame(ws.NewTextFrame(b)))
			}
		}}
		servers[i] = server
		n.Frame = func(p *wiretest.Peer, f ws.Frame) {
			switch f.Header.OpCode {
			case ws.OpText:
				peers[p.Conn] = p
				if err := server.Message(int(p.Conn), f.Payload); err != nil {
					t.Error(err)
				}
			case ws.OpClose:
				delete(peers, p.Conn)
				server.Gone(int(p.Conn))
				wiretest.Echo(p, f)
			}
		}
		if shape != nil {
			shape(i, n, server)
		}
	})
	stamps, err := stamp.New(stamp.HeaderSize, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range s.lanes {
		s.clients = append(s.clients, channel.NewClient(p, l, stamps))
		s.d[i] = NewDelivery(l, NewPushes(s.clients[i]))
		known := NewPeers(l.Conns)
		s.d[i].Welcome(func(c wire.Conn, response []byte) { known.Joined(c, response) })
		s.peers = append(s.peers, known)
	}
	s.servers = servers
	return s
}

// join takes all connections of a lane through the ramp, each with its join.
func (s *stand) join(i int) {
	s.t.Helper()
	l, conns := s.lanes[i], 0
	for _, l := range s.lanes {
		conns += l.Conns
	}
	s.nets[i].Idle = l.Stop
	s.d[i].Begin(nil, s.main[i], Endless())
	l.Use(NewRamp(l, s.d[i], nil, 0, 0, conns, true, s.main[i]), s.main[i])
	done := make(chan error)
	go func() { done <- l.Run() }()
	if err := <-done; err != nil {
		s.t.Fatal(err)
	}
}

// In a ramp every connection joins, once, and the ramp waits for the replies.
func TestRampJoins(t *testing.T) {
	t.Parallel()
	for _, v := range []phoenix.Version{phoenix.V1, phoenix.V2} {
		s := newChannelStand(t, protocol(v), 2, 11, nil)
		for i := range s.lanes {
			s.join(i)
			if got, want := s.servers[i].Joins, s.lanes[i].Conns; got != want || s.lanes[i].Open() != 0 && s.lanes[i].Open() != want {
				t.Errorf("%v: %d joins, want %d", v, got, want)
			}
		}
		_, main := s.sum()
		if o := main.Ops; o.Scheduled != 11 || o.Completed != 11 || main.Dials.Lost != 0 || main.Unexpected != 0 {
			t.Errorf("%v: %+v, %d lost, %d unexpected", v, o, main.Dials.Lost, main.Unexpected)
		}
		if h := main.Histogram(record.Join); h.Count() != 11 || h.Min() < 9990*time.Microsecond || h.Max() > 10010*time.Microsecond {
			t.Errorf("%v: join %v, want 10ms", v, h)
		}
		if main.Aside == 0 {
			t.Errorf("%v: presence was not counted", v)
		}
		if s.told != 2 {
			t.Errorf("%v: told %d times", v, s.told)
		}
	}
}

// A refused join is a failed operation, and its connection does not stay: what is
// open is joined.
func TestRefusedJoins(t *testing.T) {
	t.Parallel()
	s := newChannelStand(t, protocol(phoenix.V2), 1, 10, func(_ int, _ *wiretest.Net, server *channeltest.Server) {
		server.Refuse = func(conn int, _ string) string {
			if conn%3 == 0 {
				return "full"
			}
			return ""
		}
	})
	open := -1
	s.nets[0].Idle = func() { open = s.lanes[0].Open(); s.lanes[0].Stop() }
	s.d[0].Begin(nil, s.main[0], Endless())
	s.lanes[0].Use(NewRamp(s.lanes[0], s.d[0], nil, 0, 0, 10, true, s.main[0]), s.main[0])
	if err := s.lanes[0].Run(); err != nil {
		t.Fatal(err)
	}
	_, main := s.sum()
	want := map[results.Cause]uint64{results.CauseJoin: 4}
	if o := main.Ops; o.Completed != 6 || o.Failed != 4 || !maps.Equal(o.Causes, want) {
		t.Errorf("%+v", o)
	}
	if d := main.Dials; d.Lost != 4 || !maps.Equal(d.Causes, want) || open != 6 {
		t.Errorf("%+v, %d open", d, open)
	}
}

// An echo is a push and its reply, timed from due, in both versions and in binary.
func TestPushes(t *testing.T) {
	t.Parallel()
	text1, text2, binary := protocol(phoenix.V1), protocol(phoenix.V2), protocol(phoenix.V2)
	binary.Binary = true
	for name, p := range map[string]*channel.Protocol{"V1": text1, "V2": text2, "binary": binary} {
		s := newChannelStand(t, p, 1, 10, func(_ int, n *wiretest.Net, server *channeltest.Server) {
			text := n.Frame
			n.Frame = func(p *wiretest.Peer, f ws.Frame) {
				if f.Header.OpCode == ws.OpBinary {
					p.Reply(ws.OpBinary, binaryReply(t, f.Payload))
					return
				}
				text(p, f)
			}
		})
		_, main := s.runJoined(func(i int, span Span) Stage {
			return NewOpen(s.lanes[i], s.d[i], s.ring(), span, pace.Burst{}, pace.Constant{Rate: 100, Length: span.End - span.Main})
		})
		balanced(t, name, main)
		if main.Ops.Completed != 200 || main.Unexpected != 0 {
			t.Errorf("%s: %+v, %d unexpected", name, main.Ops, main.Unexpected)
		}
		if h := main.Histogram(record.Response); h.Max() > 10010*time.Microsecond || h.Min() < 9990*time.Microsecond {
			t.Errorf("%s: response %v, want 10ms", name, h)
		}
		if aside := name != "binary"; (main.Aside >= 200) != aside { // the other peer of each room hears it
			t.Errorf("%s: %d aside", name, main.Aside)
		}
	}
}

// binaryReply answers a binary push as Phoenix does: its header byte by byte.
func binaryReply(t *testing.T, p []byte) []byte {
	if p[0] != 0 {
		t.Fatalf("kind %d is no push", p[0])
	}
	head, strings := p[1:5], p[5:]
	ids := int(head[0]) + int(head[1]) + int(head[2])
	if event := string(strings[ids : ids+int(head[3])]); event != "echo" {
		t.Fatalf("event %q", event)
	}
	out := append([]byte{1}, head[0], head[1], head[2], 2)
	return append(append(out, strings[:ids]...), "ok{}"...)
}

// What a server does wrong with replies shows in the counts, and nothing else does.
func TestFaultyReplies(t *testing.T) {
	t.Parallel()
	const every = 10
	text := func(p *wiretest.Peer, b []byte) { p.Reply(ws.OpText, b) }
	for name, tc := range map[string]struct {
		spoil func(p *wiretest.Peer, reply []byte)
		want  results.Ops
	}{
		"none":    {text, results.Ops{}},
		"missing": {func(*wiretest.Peer, []byte) {}, results.Ops{Missing: 20, Failed: 20, Causes: map[results.Cause]uint64{results.CauseMissing: 20}}},
		"double":  {func(p *wiretest.Peer, b []byte) { text(p, b); text(p, b) }, results.Ops{Duplicate: 20}},
		"no reply": {func(p *wiretest.Peer, b []byte) {
			text(p, []byte(`[null,null,"room:b1","phx_reply`))
		}, results.Ops{Corrupt: 20, Failed: 20, Causes: map[results.Cause]uint64{results.CauseCorrupt: 20}}},
		"wrong ref": {func(p *wiretest.Peer, b []byte) {
			text(p, []byte(`["1","1","room:b1","phx_reply",{"status":"ok","response":{}}]`))
		}, results.Ops{Corrupt: 20, Failed: 20, Causes: map[results.Cause]uint64{results.CauseCorrupt: 20}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newChannelStand(t, protocol(phoenix.V2), 1, 4, func(_ int, n *wiretest.Net, server *channeltest.Server) {
				send, replies := server.Send, 0
				peers := make(map[int]*wiretest.Peer)
				inner := n.Frame
				n.Frame = func(p *wiretest.Peer, f ws.Frame) { peers[int(p.Conn)] = p; inner(p, f) }
				server.Send = func(conn int, after time.Duration, p []byte) {
					if server.Pushes == 0 || !isReply(p) {
						send(conn, after, p)
						return
					}
					if replies++; replies%every == 0 {
						tc.spoil(peers[conn], p)
						return
					}
					send(conn, after, p)
				}
			})
			s.runJoined(func(i int, span Span) Stage {
				return NewOpen(s.lanes[i], s.d[i], s.ring(), span, pace.Burst{}, pace.Constant{Rate: 100, Length: span.End - span.Main})
			})
			_, main := s.finish()
			balanced(t, name, main)
			o := main.Ops
			got := results.Ops{Missing: o.Missing, Duplicate: o.Duplicate, Reordered: o.Reordered, Corrupt: o.Corrupt, Failed: o.Failed, Causes: o.Causes}
			if got.Missing != tc.want.Missing || got.Duplicate != tc.want.Duplicate || got.Reordered != 0 || got.Corrupt != tc.want.Corrupt || got.Failed != tc.want.Failed || !maps.Equal(got.Causes, tc.want.Causes) {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
		})
	}
}

func isReply(p []byte) bool {
	var m phoenix.Message
	return m.Decode(phoenix.V2, false, p) == nil && string(m.Event) == phoenix.ReplyEvent
}

// A push that is answered with an error has failed, and says so.
func TestRejectedPushes(t *testing.T) {
	t.Parallel()
	n := 0
	s := newChannelStand(t, protocol(phoenix.V2), 1, 4, func(_ int, _ *wiretest.Net, server *channeltest.Server) {
		server.Deny = func(int, string) string {
			if n++; n%20 == 0 {
				return "denied"
			}
			return ""
		}
	})
	_, main := s.runJoined(func(i int, span Span) Stage {
		return NewOpen(s.lanes[i], s.d[i], s.ring(), span, pace.Burst{}, pace.Constant{Rate: 100, Length: span.End - span.Main})
	})
	if o := main.Ops; o.Completed != 190 || o.Causes[results.CauseRejected] != 10 || main.Dials.Lost != 0 {
		t.Errorf("%+v, %d lost", o, main.Dials.Lost)
	}
}

// A connection whose membership the server ends is lost, while it is held too.
func TestMembershipEnds(t *testing.T) {
	t.Parallel()
	for _, event := range []string{phoenix.CloseEvent, phoenix.ErrorEvent} {
		var kick func()
		s := newChannelStand(t, protocol(phoenix.V2), 1, 4, func(_ int, n *wiretest.Net, server *channeltest.Server) {
			kick = func() { n.After(time.Second, func(wire.Events) { server.Kick(2, event) }) }
		})
		_, main := s.runJoined(func(i int, span Span) Stage {
			kick()
			return NewHold(s.lanes[i], s.d[i])
		})
		if d := main.Dials; d.Lost != 1 || d.Causes[results.CauseChannel] != 1 {
			t.Errorf("%s: %+v", event, d)
		}
	}
}

// A churn joins each connection again.
func TestChurnJoins(t *testing.T) {
	t.Parallel()
	s := newChannelStand(t, protocol(phoenix.V2), 1, 10, nil)
	_, main := s.runJoined(func(i int, span Span) Stage {
		return NewChurn(s.lanes[i], s.d[i], span, Shards{s.warm[i], s.main[i]}, Lifetimes{Mean: 500 * time.Millisecond, Fixed: true}, true)
	})
	if d, o := main.Dials, main.Ops; d.Upgraded < 30 || o.Completed != d.Upgraded || main.Histogram(record.Join).Count() != o.Completed {
		t.Errorf("%+v %+v", d, o)
	}
}

// Nothing is allocated for a push and its reply.
func TestPushesDoNotAllocate(t *testing.T) {
	for _, v := range []phoenix.Version{phoenix.V1, phoenix.V2} {
		s := newChannelStand(t, protocol(v), 1, 4, nil)
		form := NewPushes(s.clients[0])
		n := uint32(0)
		var m phoenix.Message
		var reply []byte
		room := make([]byte, 0, 1024)
		if allocs := testing.AllocsPerRun(1000, func() {
			n++
			st := stamp.Stamp{Conn: n % 4, Seq: n, Due: time.Duration(n) * time.Millisecond, Sent: time.Duration(n) * time.Second}
			_, p, _ := form.Message(false, st)
			if err := m.Decode(v, false, p); err != nil {
				t.Fatal(err)
			}
			reply = phoenix.AppendReply(room, v, m.JoinRef, m.Ref, m.Topic, phoenix.OK, nil)
			if r := form.Read(frame.Text, reply, st.Conn); r.Verdict != stamp.Intact || r.Stamp != st || r.Refused || r.Aside {
				t.Fatalf("%+v for %+v of %s", r, st, reply)
			}
		}); allocs != 0 {
			t.Errorf("%v: %v allocations", v, allocs)
		}
	}
}
