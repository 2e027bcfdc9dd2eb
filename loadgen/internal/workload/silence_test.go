package workload

import (
	"testing"
	"time"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/wire"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
)

// A connection that hears nothing is ended soon after its time is over; one that hears
// anything is not.
func TestSilence(t *testing.T) {
	t.Parallel()
	const limit = 500 * time.Millisecond
	ended := make(map[wire.Conn]time.Duration)
	var net *wiretest.Net
	s := newStand(t, 1, 200, 64, func(_ int, n *wiretest.Net) {
		net = n
		n.Latency = time.Millisecond
		n.Frame = func(p *wiretest.Peer, f ws.Frame) {
			if f.Header.OpCode == ws.OpClose {
				ended[p.Conn] = net.Now()
				return
			}
			wiretest.Echo(p, f)
		}
	})
	layout, err := stamp.New(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	s.d[0] = NewDelivery(s.lanes[0], NewPublished(layout, frame.Text))
	var start, quiet time.Duration
	_, main := s.run(func(i int, span Span) Stage {
		start = net.Now()
		// All hear something every 100 ms until second 12, but for two that never do.
		for at := start; at < span.Main+time.Second; at += 100 * time.Millisecond {
			quiet = at
			net.After(at-start, func(wire.Events) {
				for c := range wire.Conn(200) {
					if p := net.Peer(c); c > 1 && p != nil {
						p.Reply(ws.OpText, nil)
					}
				}
			})
		}
		return NewPulse(s.lanes[i], s.d[i], s.ring(), span, Shards{Warm: s.warm[i], Main: s.main[i]}, layout, Beats{Silence: limit})
	})
	if main.Dials.Lost != 200 || main.Dials.Causes[results.CauseSilence] != 200 {
		t.Errorf("%+v", main.Dials)
	}
	for c, at := range ended {
		since := start
		if c > 1 {
			since = quiet
		}
		if d := at - since; d < limit-20*time.Millisecond || d > limit*5/4 {
			t.Errorf("connection %d was ended after %v of silence, want about %v", c, d, limit)
		}
	}
}
