package workload

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

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

// swarming is a load of sessions in swarms of five.
type swarming struct {
	version phoenix.Version
	lanes   int
	conns   int
	rate    pace.Rate // sessions
	trickle time.Duration
	tick    time.Duration // that the generator takes for whatever it does
	stopped time.Duration // after the start of the window; 0: never
	shape   func(i int, n *wiretest.Net, s *channeltest.Server)
}

const (
	testContacts   = 3
	testCandidates = 2
	perSession     = testContacts * (2 + 2*testCandidates)
)

func (w swarming) run(t *testing.T) (s *stand, warm, main *record.Set) {
	t.Helper()
	if w.version == 0 {
		w.version = phoenix.V2
	}
	p := &channel.Protocol{Version: w.version, Topic: "room:s{n}", Rooms: 1, Swarm: 5, Join: []byte(`{"ack":false}`), Event: "echo", Push: []byte(`{}`)}
	s = newChannelStand(t, p, w.lanes, w.conns, w.shape)
	stamps, err := stamp.New(stamp.HeaderSize, 2)
	if err != nil {
		t.Fatal(err)
	}
	swarms := Swarms{Size: 5, Total: (w.conns + 4) / 5, Contacts: testContacts, Candidates: testCandidates, Trickle: w.trickle}
	s.play(true, func(i int, span Span) Stage {
		stage := NewSignal(s.lanes[i], s.d[i], s.clients[i], stamps, s.peers[i], []byte(`{"user":"u"}`), swarms, span, Shards{s.warm[i], s.main[i]},
			pace.Constant{Rate: w.rate, Length: span.Main - span.Start}, pace.Constant{Rate: w.rate, Length: span.End - span.Main})
		s.nets[i].Tick = w.tick
		if w.stopped > 0 {
			s.nets[i].After(span.Main+w.stopped-s.nets[i].Now(), func(wire.Events) { stage.Abort(results.CauseStopped) })
		}
		return stage
	})
	for i, stage := range s.stages {
		stage.Abort(results.CauseBacklog)
		if !stage.Finished() {
			t.Errorf("lane %d is not finished after Abort", i)
		}
	}
	warm, main = s.finish()
	for name, set := range map[string]*record.Set{"warm-up": warm, "window": main} {
		signalBalanced(t, name, set)
	}
	return s, warm, main
}

// signalBalanced checks the books of sessions.
func signalBalanced(t *testing.T, name string, s *record.Set) {
	t.Helper()
	all := &s.Signal
	for what, o := range map[string]*results.Ops{"sessions": &s.Ops, "joins": &all.Joins, "relays": &all.Relays, "notices": &all.Notices} {
		var causes uint64
		for n := range maps.Values(o.Causes) {
			causes += n
		}
		if o.Scheduled != o.Completed+o.Failed+o.Dropped || causes != o.Failed+o.Dropped {
			t.Errorf("%s: %s do not add up: %+v", name, what, *o)
		}
	}
	for m, n := range map[record.Metric]uint64{
		record.Response: s.Ops.Completed, record.Service: s.Ops.Completed, record.Lag: s.Ops.Completed + s.Ops.Failed,
		record.Join: all.Joins.Completed, record.Relay: all.Relays.Completed, record.Answer: all.Answers, record.Presence: all.Told,
	} {
		if h := s.Histogram(m); h.Count()+h.Below()+h.Above() != n {
			t.Errorf("%s: %s holds %v, want %d values", name, m, h, n)
		}
	}
}

// Without faults every session is completed: each relay and each notice arrives, and
// times are what the server makes them.
func TestSignal(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]swarming{
		"V2":               {lanes: 1, conns: 20, rate: 8},
		"V1":               {lanes: 1, conns: 20, rate: 8, version: phoenix.V1},
		"two lanes":        {lanes: 2, conns: 20, rate: 8},
		"a smaller swarm":  {lanes: 1, conns: 19, rate: 8},
		"a swarm of one":   {lanes: 1, conns: 16, rate: 8},
		"more than a turn": {lanes: 1, conns: 5, rate: 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w.shape = func(_ int, _ *wiretest.Net, s *channeltest.Server) { s.Gather = 50 * time.Millisecond }
			s, warm, main := w.run(t)
			if warm.Ops.Completed != uint64(w.rate) || main.Ops.Completed != 2*uint64(w.rate) || main.Ops.Failed+main.Ops.Dropped != 0 {
				t.Fatalf("%+v, want %v", main.Ops, 2*w.rate)
			}
			whole := 2 * uint64(w.rate)
			relays, notices := main.Signal.Relays, main.Signal.Notices
			switch name {
			case "a smaller swarm": // its peers have three others, as many as contacts
				if relays.Completed != whole*perSession || notices.Completed != whole*4-whole/4 {
					t.Errorf("relays %+v, notices %+v", relays, notices)
				}
			case "a swarm of one":
				if relays.Completed != whole*perSession*3/4 || notices.Completed != whole*3 {
					t.Errorf("relays %+v, notices %+v", relays, notices)
				}
			default:
				if relays.Completed != whole*perSession || notices.Completed != whole*4 || main.Signal.Answers != whole*testContacts || main.Signal.Told != whole {
					t.Errorf("relays %+v, notices %+v, %d answers, %d told", relays, notices, main.Signal.Answers, main.Signal.Told)
				}
			}
			if main.Unexpected+main.Stale+warm.Unexpected+warm.Stale != 0 || main.Dials.Lost != 0 {
				t.Errorf("%d unexpected, %d stale, %d lost", main.Unexpected, main.Stale, main.Dials.Lost)
			}
			// 10 ms to the server, and at once from it; news of presence 50 ms later.
			for m, want := range map[record.Metric]time.Duration{
				record.Join: 10 * time.Millisecond, record.Relay: 10 * time.Millisecond, record.Answer: 20 * time.Millisecond,
				record.Presence: 60 * time.Millisecond, record.Response: 60 * time.Millisecond, record.Service: 60 * time.Millisecond,
			} {
				h := main.Histogram(m)
				if name == "a swarm of one" && m >= record.Response && m <= record.Service {
					continue // the lone peer has nobody to be told
				}
				if h.Max() > want+100*time.Microsecond || h.Min() < want-100*time.Microsecond {
					t.Errorf("%s %v, want %v", m, h, want)
				}
			}
			if main.OnTime+warm.OnTime < main.Ops.Completed+warm.Ops.Completed-uint64(w.rate) {
				t.Errorf("%d + %d on time", warm.OnTime, main.OnTime)
			}
			if s.told != w.lanes {
				t.Errorf("told %d times", s.told)
			}
			var pushes int
			for _, server := range s.servers {
				pushes += server.Relays
			}
			if uint64(pushes) != relays.Completed+warm.Signal.Relays.Completed {
				t.Errorf("the server relayed %d, %d + %d were counted", pushes, warm.Signal.Relays.Completed, relays.Completed)
			}
		})
	}
}

// each applies a fate to every nth relay.
func each(n int, f channeltest.Fate) func(int) channeltest.Fate {
	return func(k int) channeltest.Fate {
		if k%n == 0 {
			return f
		}
		return channeltest.Fate{}
	}
}

// Candidates are due in steps behind what they belong to, and each is timed from then.
// The answer of 20 ms after the join has its last candidate behind it by two steps,
// that of the third contact by two thirds more, and that takes 10 ms.
func TestSignalTrickles(t *testing.T) {
	t.Parallel()
	_, warm, main := swarming{lanes: 1, conns: 20, rate: 8, trickle: 40 * time.Millisecond}.run(t)
	if main.Ops.Completed != 16 || main.Signal.Relays.Completed != 16*perSession || main.Signal.Relays.Reordered+main.Unexpected+warm.Unexpected != 0 {
		t.Fatalf("%+v, relays %+v", main.Ops, main.Signal.Relays)
	}
	for m, want := range map[record.Metric]time.Duration{record.Relay: 10 * time.Millisecond, record.Answer: 20 * time.Millisecond, record.Response: (10+10+80+10)*time.Millisecond + 80*time.Millisecond/3} {
		if h := main.Histogram(m); h.Max() > want+100*time.Microsecond || h.Min() < want-100*time.Microsecond {
			t.Errorf("%s %v, want %v", m, h, want)
		}
	}
}

// A candidate that is sent late has its lateness in its time.
func TestSignalTricklesLate(t *testing.T) {
	t.Parallel()
	_, _, main := swarming{lanes: 1, conns: 20, rate: 8, trickle: 9 * time.Millisecond, tick: 2 * time.Millisecond}.run(t)
	if h := main.Histogram(record.Relay); main.Ops.Completed != 16 || h.Max() < 50*time.Millisecond { // 42 ms from when it was noticed to be due
		t.Errorf("%+v, relay %v", main.Ops, h)
	}
}

// What is not due yet when a load is stopped was never sent, and its session has failed.
func TestSignalStopped(t *testing.T) {
	t.Parallel()
	_, _, main := swarming{lanes: 1, conns: 20, rate: 8, trickle: 40 * time.Millisecond, stopped: 555 * time.Millisecond}.run(t)
	// Sessions begin at 0, 125, ... 500 ms; the last has sent its offers and has 12 candidates to come.
	if o := main.Ops; o.Scheduled != 5 || o.Completed != 4 || o.Causes[results.CauseStopped] != 1 {
		t.Errorf("%+v", o)
	}
	if r := main.Signal.Relays; r.Completed < 4*perSession || r.Scheduled >= 5*perSession {
		t.Errorf("%+v", r)
	}
}

// Each relay that a server spoils shows in the counts, as what was done to it, and no
// other does.
func TestSignalRelayFaults(t *testing.T) {
	t.Parallel()
	missing := func(n uint64) results.Ops { return results.Ops{Missing: n, Failed: n} }
	corrupt := func(n uint64) results.Ops { return results.Ops{Corrupt: n, Failed: n} }
	for name, tc := range map[string]struct {
		fate channeltest.Fate
		want func(n uint64) results.Ops
	}{
		"drop":       {channeltest.Fate{Drop: true}, missing},
		"double":     {channeltest.Fate{Double: true}, func(n uint64) results.Ops { return results.Ops{Duplicate: n} }},
		"corrupt":    {channeltest.Fate{Corrupt: true}, corrupt},
		"behead":     {channeltest.Fate{Behead: true}, corrupt},
		"misname":    {channeltest.Fate{Misname: true}, corrupt},
		"misdeliver": {channeltest.Fate{Misdeliver: true}, missing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, main := swarming{lanes: 1, conns: 20, rate: 8, shape: func(_ int, n *wiretest.Net, s *channeltest.Server) {
				s.Relay = func(k int) channeltest.Fate {
					if n.Now() < 11*time.Second {
						return channeltest.Fate{}
					}
					return each(23, tc.fate)(k)
				}
			}}.runCounting(t)
			o, want := main.set.Signal.Relays, tc.want(uint64(main.spoiled))
			if main.spoiled < 10 {
				t.Fatalf("%d were spoiled", main.spoiled)
			}
			if o.Missing != want.Missing || o.Duplicate != want.Duplicate || o.Reordered != 0 || o.Corrupt != want.Corrupt || o.Failed != want.Failed || o.Dropped != 0 {
				t.Errorf("%d spoiled: %+v", main.spoiled, o)
			}
			if failed := main.set.Ops.Failed; (failed == 0) != (want.Failed == 0) || failed > want.Failed {
				t.Errorf("%d sessions failed of %d relays that did", failed, want.Failed)
			}
			if unexpected := main.set.Unexpected; (unexpected > 0) != (name == "misdeliver") {
				t.Errorf("%d unexpected", unexpected)
			}
		})
	}
}

// windowed is what a window has counted, and how much the server has spoiled.
type windowed struct {
	set     *record.Set
	spoiled int
}

// runCounting is run that asks the servers too.
func (w swarming) runCounting(t *testing.T) (s *stand, warm *record.Set, main windowed) {
	t.Helper()
	s, warm, set := w.run(t)
	for _, server := range s.servers {
		main.spoiled += server.Spoiled
	}
	main.set = set
	return s, warm, main
}

// A relay that is overtaken by the next one to the same peer is reordered.
func TestSignalReordered(t *testing.T) {
	t.Parallel()
	_, warm, main := swarming{lanes: 1, conns: 20, rate: 8, shape: func(_ int, n *wiretest.Net, s *channeltest.Server) {
		// Of each session the first candidates: three offers, then candidates.
		s.Relay = func(k int) channeltest.Fate { return channeltest.Fate{Reorder: k%perSession == 4} }
	}}.runCounting(t)
	if got := main.set.Signal.Relays.Reordered + warm.Signal.Relays.Reordered; main.spoiled == 0 || got != uint64(main.spoiled) {
		t.Errorf("%d reordered, the server says %d", got, main.spoiled)
	}
	if o := main.set.Signal.Relays; o.Failed != 0 || main.set.Ops.Failed != 0 || o.Duplicate != 0 {
		t.Errorf("%+v", o)
	}
}

// A delay of relays is in the times of relays and answers, and of nothing else.
func TestSignalDelayed(t *testing.T) {
	t.Parallel()
	_, _, main := swarming{lanes: 1, conns: 20, rate: 8, shape: func(_ int, _ *wiretest.Net, s *channeltest.Server) {
		s.Relay = each(1, channeltest.Fate{Delay: 30 * time.Millisecond})
	}}.run(t)
	for m, want := range map[record.Metric]time.Duration{record.Join: 10 * time.Millisecond, record.Relay: 40 * time.Millisecond, record.Answer: 80 * time.Millisecond, record.Presence: 10 * time.Millisecond, record.Response: 90 * time.Millisecond} {
		if h := main.Histogram(m); h.Max() > want+100*time.Microsecond || h.Min() < want-100*time.Microsecond {
			t.Errorf("%s %v, want %v", m, h, want)
		}
	}
}

// Who is not told of a join is missed, and the session is not completed.
func TestSignalNoticesLost(t *testing.T) {
	t.Parallel()
	_, _, main := swarming{lanes: 1, conns: 20, rate: 8, shape: func(_ int, n *wiretest.Net, s *channeltest.Server) {
		s.Notice = func(k int) bool { return n.Now() > 11*time.Second && k%5 == 0 }
	}}.runCounting(t)
	o := main.set.Signal.Notices
	if main.spoiled < 5 || o.Missing != uint64(main.spoiled) || o.Failed != o.Missing || main.set.Ops.Causes[results.CauseMissing] != main.set.Ops.Failed {
		t.Errorf("%d lost: %+v, sessions %+v", main.spoiled, o, main.set.Ops)
	}
	if main.set.Signal.Relays.Failed != 0 {
		t.Errorf("%+v", main.set.Signal.Relays)
	}
}

// A join that is refused ends the session and the connection; the others go on.
func TestSignalJoinsRefused(t *testing.T) {
	t.Parallel()
	_, _, main := swarming{lanes: 1, conns: 20, rate: 8, shape: func(_ int, n *wiretest.Net, s *channeltest.Server) {
		s.Refuse = func(conn int, _ string) string {
			if n.Now() > 12*time.Second && conn == 9 {
				return "full"
			}
			return ""
		}
	}}.run(t)
	if o := main.Signal.Joins; o.Causes[results.CauseJoin] != 1 || main.Dials.Lost != 1 || main.Dials.Causes[results.CauseJoin] != 1 {
		t.Errorf("%+v, %+v", o, main.Dials)
	}
	if o := main.Ops; o.Completed != 15 || o.Failed != 1 {
		t.Errorf("%+v", o)
	}
}

// Connections that end take what is outstanding with them, and the books stay in
// order.
func TestSignalLosesConnections(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Duration{5, 25, 36} { // milliseconds after a session was due
		trickle := at / 36 * 40 * time.Millisecond // the last while candidates are not due yet
		_, _, main := swarming{lanes: 1, conns: 20, rate: 8, trickle: trickle, shape: func(_ int, n *wiretest.Net, s *channeltest.Server) {
			s.Gather = 50 * time.Millisecond
			inner, armed := n.Frame, false
			n.Frame = func(p *wiretest.Peer, f ws.Frame) {
				if inner(p, f); p.Conn == 1 && n.Now() > 11*time.Second && !armed {
					armed = true
					n.After(at*time.Millisecond, func(wire.Events) { s.Gone(1); p.End(results.CauseReset) })
				}
			}
		}}.run(t)
		// What is sent to the lost one later is answered: nobody of that name.
		failed := main.Ops.Causes[results.CauseReset]
		if trickle > 0 {
			failed += main.Ops.Causes[results.CauseAbsent]
		}
		if main.Dials.Lost != 1 || main.Ops.Completed < 12 || failed == 0 {
			t.Errorf("%d ms: %+v, %d lost", at, main.Ops, main.Dials.Lost)
		}
	}
}

// A relay that the server answers with an error has failed, by what the error says.
func TestSignalRejected(t *testing.T) {
	t.Parallel()
	for reason, why := range map[string]results.Cause{"unknown peer": results.CauseAbsent, "denied": results.CauseRejected} {
		n, denied := 0, uint64(0)
		_, _, main := swarming{lanes: 1, conns: 20, rate: 8, shape: func(_ int, net *wiretest.Net, s *channeltest.Server) {
			s.Deny = func(int, string) string {
				if n++; n%23 == 0 && net.Now() > 11*time.Second {
					denied++
					return reason
				}
				return ""
			}
		}}.run(t)
		if o := main.Signal.Relays; denied < 10 || o.Failed != denied || o.Causes[why] != denied || main.Ops.Causes[why] != main.Ops.Failed {
			t.Errorf("%d denied: %+v, sessions %+v", denied, o, main.Ops)
		}
	}
}

// A joiner whose swarm has too few peers to signal to says so.
func TestSignalWithoutContacts(t *testing.T) {
	t.Parallel()
	// A server that answers joins late: too few have joined again.
	_, _, main := swarming{lanes: 1, conns: 5, rate: 8, shape: func(_ int, n *wiretest.Net, s *channeltest.Server) {
		send := s.Send
		s.Send = func(conn int, after time.Duration, p []byte) {
			if n.Now() > 11*time.Second && bytes.Contains(p, []byte(`"peers"`)) {
				after += 400 * time.Millisecond
			}
			send(conn, after, p)
		}
	}}.run(t)
	if o := main.Signal.Relays; o.Causes[results.CauseAbsent] != o.Dropped || o.Dropped == 0 || main.Ops.Causes[results.CauseAbsent] == 0 {
		t.Errorf("%+v, sessions %+v", o, main.Ops)
	}
}

// A stall of the server delays what was due meanwhile, and drops nothing.
func TestSignalStall(t *testing.T) {
	t.Parallel()
	_, _, main := swarming{lanes: 1, conns: 40, rate: 8, shape: func(_ int, n *wiretest.Net, s *channeltest.Server) {
		inner := n.Frame
		n.Frame = func(p *wiretest.Peer, f ws.Frame) {
			if at := n.Now(); at > 11500*time.Millisecond && at < 12*time.Second {
				n.After(12*time.Second-at, func(wire.Events) { inner(p, f) })
				return
			}
			inner(p, f)
		}
	}}.run(t)
	if o := main.Ops; o.Completed != 16 || main.Histogram(record.Join).Max() < 490*time.Millisecond {
		t.Errorf("%+v, join %v", o, main.Histogram(record.Join))
	}
}

// Payloads are JSON of the size that they should have, and no other text is taken for
// them, however it is written.
func TestRelayTexts(t *testing.T) {
	texts := newRelayTexts()
	mark := []byte(strings.Repeat("0", stamp.HeaderSize))
	for k, size := range map[kind]int{offer: offerSize, answer: answerSize, candidate: candidateSize} {
		p := texts.append(nil, k, []byte("abcdefghijk"), mark, 1234)
		var members map[string]string
		if err := json.Unmarshal(p, &members); err != nil || len(p) != size || members["to"] != "abcdefghijk" || members["stamp"] != string(mark) {
			t.Fatalf("%d B: %s: %v", len(p), p, err)
		}
		again, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		escaped := bytes.ReplaceAll(again, []byte("/"), []byte(`\/`))
		for _, same := range [][]byte{p, again, escaped} {
			if !texts.intact(k, same, 1234) {
				t.Errorf("not intact: %s", same)
			}
		}
		member := texts[k].member
		for _, change := range []func(string) string{
			func(s string) string { return s[:len(s)-1] }, func(s string) string { return s + "0" },
			func(s string) string { return strings.Replace(s, "1234", "1235", 1) }, func(s string) string { return s[:30] + "#" + s[31:] },
			func(string) string { return "" },
		} {
			other := maps.Clone(members)
			other[member] = change(other[member])
			spoiled, _ := json.Marshal(other)
			if texts.intact(k, spoiled, 1234) {
				t.Errorf("intact: %s", spoiled)
			}
		}
		if texts.intact(k, []byte(`{}`), 1234) || texts.intact(k, p, 1235) {
			t.Error("what is not there is intact")
		}
	}
}

func TestRelaySeq(t *testing.T) {
	for _, session := range []uint32{1, 77, maxSession} {
		for _, contact := range []int{0, 1, MaxContacts - 1} {
			for _, back := range []bool{false, true} {
				for _, number := range []uint32{0, 1, MaxCandidates} {
					seq := relaySeq(session, contact, back, number)
					if s, c, b, n := splitSeq(seq); s != session || c != contact || b != back || n != number || seq >= joinBit {
						t.Errorf("%d %d %v %d came back as %d %d %v %d of %d", session, contact, back, number, s, c, b, n, seq)
					}
				}
			}
		}
	}
}

// Once a load has run, its messages take no memory from the collector.
func TestSignalDoesNotAllocate(t *testing.T) {
	s, _, _ := swarming{lanes: 1, conns: 5, rate: 4}.run(t)
	w := s.stages[0].(*Signal)
	texts := w.texts
	head := make([]byte, stamp.HeaderSize)
	if allocs := testing.AllocsPerRun(100, func() {
		st := stamp.Stamp{Conn: 3, Seq: relaySeq(1, 0, false, 0), Due: 5, Sent: 6}
		part, _ := w.stamps.Parts(&w.head, st)
		copy(head, part)
		w.payload = texts.append(w.payload[:0], offer, []byte("p17"), head, st.Seq)
		_, b := w.client.Push(3, head, "offer", w.payload)
		kind, m := w.client.Recognise(3, frame.Text, b)
		if kind != channel.Event {
			t.Fatal(kind)
		}
		if got, verdict := w.openStamp(m.Payload, "stamp"); verdict != stamp.Intact || got != st || !texts.intact(offer, m.Payload, st.Seq) {
			t.Fatalf("%+v %v", got, verdict)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
