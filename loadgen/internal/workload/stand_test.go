package workload

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/channel/channeltest"
	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/publish"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/target"
	"signalbench/loadgen/internal/wire"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stand is some lanes, each on a net of its own in virtual time.
type stand struct {
	t      *testing.T
	nets   []*wiretest.Net
	lanes  []*lane.Lane
	d      []*Delivery
	warm   []*record.Shard
	main   []*record.Shard
	timed  []record.Metric
	told   int
	stages []Stage

	clients []*channel.Client     // of a stand with a protocol
	servers []*channeltest.Server // theirs
	peers   []*Peers
}

var everything = []record.Metric{
	record.Connect, record.Upgrade, record.Dial, record.FirstEcho, record.Response, record.Service, record.Lag, record.Join, record.Recovery,
	record.Delivery, record.First, record.Median, record.P99,
}

// signalling is what a load of sessions times. Each histogram takes 220 KB.
var signalling = []record.Metric{record.Response, record.Service, record.Lag, record.Join, record.Relay, record.Answer, record.Presence}

// newStand makes lanes for conns connections; shape prepares each net.
func newStand(t *testing.T, lanes, conns, payload int, shape func(i int, n *wiretest.Net)) *stand {
	t.Helper()
	return newStretchedStand(t, lanes, conns, 1, payload, shape)
}

// newStretchedStand is newStand with lanes that have stretches of chunk connections.
func newStretchedStand(t *testing.T, lanes, conns, chunk, payload int, shape func(i int, n *wiretest.Net)) *stand {
	t.Helper()
	tg, err := target.Resolve(context.Background(), []string{"ws://127.0.0.1:1/channel/{i}"}, "")
	if err != nil {
		t.Fatal(err)
	}
	layout, err := stamp.New(payload, 1)
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{t: t, timed: everything}
	if chunk > 1 {
		s.timed = signalling
	}
	for i := range lanes {
		n := new(wiretest.Net)
		if shape != nil {
			shape(i, n)
		}
		part := 0
		for c := range conns {
			if c/chunk%lanes == i {
				part++
			}
		}
		l := lane.New(lane.Config{
			Index: i, First: uint32(i * chunk), Stride: uint32(lanes * chunk), Chunk: uint32(chunk), Conns: part, Lines: publish.Lines, Now: n.Now, Transport: n, Target: tg, Spread: tg.Spread(conns, 28000),
			Pending: 16, DialTimeout: time.Second, CloseTimeout: time.Second, MaxMessage: 1 << 20, Notify: func() { s.told++ },
		})
		s.nets, s.lanes = append(s.nets, n), append(s.lanes, l)
		s.d = append(s.d, NewDelivery(l, NewEchoes(layout, frame.Text)))
		s.warm, s.main = append(s.warm, s.shard()), append(s.main, s.shard())
	}
	return s
}

// shard is one that is never swapped.
func (s *stand) shard() *record.Shard { return &record.Shard{Set: record.NewSet(s.timed...)} }

// act is a stage after which another one begins, by itself, when it has
// finished: first a ramp, then the load under test.
type act struct {
	Stage
	then func()
	done bool
}

func (a *act) Next() time.Duration {
	if a.Finished() && !a.done {
		return 0
	}
	return a.Stage.Next()
}

func (a *act) Fire(now time.Duration) {
	if a.Stage.Fire(now); a.Finished() && !a.done {
		a.done = true
		a.then()
	}
}

// run opens all connections and then runs what load makes, on every lane, until
// nothing happens any more. The load begins at second 10, so that the ramp is over.
func (s *stand) run(load func(i int, span Span) Stage) (warm, main *record.Set) {
	s.t.Helper()
	s.play(false, load)
	return s.sum()
}

// runJoined is run with connections that have greeted the server.
func (s *stand) runJoined(load func(i int, span Span) Stage) (warm, main *record.Set) {
	s.t.Helper()
	s.play(true, load)
	return s.sum()
}

// play is run without the sums.
func (s *stand) play(greet bool, load func(i int, span Span) Stage) {
	s.t.Helper()
	span := Span{Start: 10 * time.Second, Main: 11 * time.Second, End: 13 * time.Second}
	conns := 0
	for _, l := range s.lanes {
		conns += l.Conns
	}
	for i, l := range s.lanes {
		shard := record.NewShard()
		s.d[i].Begin(nil, shard, Endless())
		ramp := NewRamp(l, s.d[i], nil, 0, 0, conns, greet, shard)
		l.Use(&act{Stage: ramp, then: func() {
			s.told-- // by the ramp
			s.d[i].Begin(s.warm[i], s.main[i], span)
			stage := load(i, span)
			s.stages = append(s.stages, stage)
			l.Use(stage, s.main[i])
		}}, shard)
		s.nets[i].Idle = l.Stop
		done := make(chan error)
		go func() { done <- l.Run() }()
		if err := <-done; err != nil {
			s.t.Fatal(err)
		}
	}
}

// finish gives up what is outstanding, as after a drain, and sums up.
func (s *stand) finish() (warm, main *record.Set) {
	for _, d := range s.d {
		d.Finish(results.CauseMissing)
		if d.Outstanding() != 0 {
			s.t.Errorf("%d messages are outstanding after the end", d.Outstanding())
		}
	}
	return s.sum()
}

func (s *stand) sum() (warm, main *record.Set) {
	warm, main = record.NewSet(s.timed...), record.NewSet(s.timed...)
	for i := range s.lanes {
		warm.Add(s.warm[i].Set)
		main.Add(s.main[i].Set)
	}
	return warm, main
}

// balanced checks the books of a phase.
func balanced(t *testing.T, name string, s *record.Set) {
	t.Helper()
	o := s.Ops
	if o.Scheduled != o.Completed+o.Failed+o.Dropped {
		t.Errorf("%s: %d scheduled is not %d completed + %d failed + %d dropped", name, o.Scheduled, o.Completed, o.Failed, o.Dropped)
	}
	var causes uint64
	for n := range maps.Values(o.Causes) {
		causes += n
	}
	if causes != o.Failed+o.Dropped {
		t.Errorf("%s: causes %v for %d failed and %d dropped", name, o.Causes, o.Failed, o.Dropped)
	}
	for m, n := range map[record.Metric]uint64{record.Response: o.Completed, record.Service: o.Completed, record.Lag: o.Completed + o.Failed} {
		if h := s.Histogram(m); h.Count()+h.Below()+h.Above() != n {
			t.Errorf("%s: %s holds %v, want %d values", name, m, h, n)
		}
	}
	d := s.Dials
	if d.Scheduled != d.Upgraded+d.Failed+d.Dropped {
		t.Errorf("%s: dials %+v do not add up", name, d)
	}
}

// ring is the ring of all lanes, which are full.
func (s *stand) ring() Ring {
	var counts []int
	for _, l := range s.lanes {
		counts = append(counts, l.Conns)
	}
	return NewRing(counts)
}

// messages tells whether f is one, and answers what is not.
func message(p *wiretest.Peer, f ws.Frame) bool {
	if f.Header.OpCode == ws.OpText {
		return true
	}
	wiretest.Echo(p, f)
	return false
}

// conn is a connection's number in the run.
func (s *stand) conn(i int, c wire.Conn) int { return int(s.lanes[i].Global(c)) }
