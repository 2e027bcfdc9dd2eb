package trial

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/channel/channeltest"
	"signalbench/results"
	"signalbench/server/phoenix"
)

// serveChannels is a server of Phoenix Channels; change prepares it.
func serveChannels(t *testing.T, change func(*channeltest.Server)) *server {
	t.Helper()
	return serve(t, false, func(s *server) {
		var mu sync.Mutex
		numbers := make(map[net.Conn]int)
		var conns []net.Conn
		logic := &channeltest.Server{Send: func(n int, after time.Duration, p []byte) {
			c, frame := conns[n], ws.MustCompileFrame(ws.NewTextFrame(p))
			if after > 0 {
				s.all.Go(func() { time.Sleep(after); mu.Lock(); defer mu.Unlock(); _, _ = c.Write(frame) })
				return
			}
			_, _ = c.Write(frame)
		}}
		if change != nil {
			change(logic)
		}
		s.answer = func(c net.Conn, f ws.Frame) {
			if f.Header.OpCode != ws.OpText {
				s.reply(c, f)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			n, known := numbers[c]
			if !known {
				n = len(conns)
				numbers[c], conns = n, append(conns, c)
			}
			if err := logic.Message(n, f.Payload); err != nil {
				t.Error(err)
			}
		}
		s.closing = func(c net.Conn) {
			mu.Lock()
			defer mu.Unlock()
			if n, known := numbers[c]; known {
				logic.Gone(n)
			}
		}
	})
}

// channelPlan is a short run over channels.
func (s *server) channelPlan(t *testing.T, workloads ...string) *Plan {
	p := s.plan(t, workloads...)
	p.Proto = &channel.Protocol{Version: phoenix.V2, Topic: "room:{n}", Rooms: 10, Join: []byte("{}"), Event: "echo", Push: []byte(`{"pad":"0"}`)}
	p.Payload = len(p.Proto.Push)
	return p
}

// All workloads over channels: connections are joined from the ramp on, and an
// echo is a push and its reply.
func TestChannels(t *testing.T) {
	t.Parallel()
	s := serveChannels(t, nil)
	p := s.channelPlan(t, Hold, Echo, EchoClosed, Churn)
	p.Heartbeat, p.HeartbeatTimeout, p.Probe, p.Plateaus = 100*time.Millisecond, 10*time.Second, 50*time.Millisecond, 2
	run, err := run(context.Background(), p, new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	if bad := fatal(run); len(bad) > 0 {
		t.Errorf("invalid: %q", bad)
	}
	books(t, run)
	ramp := named(t, run, "ramp")
	if m, ok := ramp.Metric(results.MetricJoin); !ok || m.Count+m.Below != 20 || ramp.Ops.Completed != 20 {
		t.Errorf("join %+v, %+v", m, ramp.Ops)
	}
	if _, ok := ramp.Metric(results.MetricFirstEcho); ok {
		t.Error("there is a first echo")
	}
	if o := named(t, run, "hold/window").Probes; o.Completed == 0 || o.Completed != o.Scheduled {
		t.Errorf("probes %+v", o)
	}
	echo := named(t, run, "echo/window")
	if echo.Ops.Completed != 150 || echo.Aside == 0 {
		t.Errorf("echo %+v, %d aside", echo.Ops, echo.Aside)
	}
	churn := named(t, run, "churn/window")
	if m, _ := churn.Metric(results.MetricJoin); m.Count+m.Below != churn.Dials.Upgraded {
		t.Errorf("%d joins of %d upgrades in the churn", m.Count+m.Below, churn.Dials.Upgraded)
	}
	if sp := run.Spec; sp.Proto != channel.Name || sp.Topic != "room:{n}" || sp.Rooms != 10 {
		t.Errorf("%+v", sp)
	}
	for _, f := range run.Findings {
		if strings.Contains(f.Text, "answer nothing") {
			t.Errorf("%s", f.Text)
		}
	}
}

// Joins that are refused in the ramp make the run INVALID, and their connections
// are not held.
func TestChannelsRefused(t *testing.T) {
	t.Parallel()
	s := serveChannels(t, func(s *channeltest.Server) {
		s.Refuse = func(int, string) string {
			if s.Joins > 10 {
				return "full"
			}
			return ""
		}
	})
	run, err := run(context.Background(), s.channelPlan(t, Hold), new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	ramp := named(t, run, "ramp")
	if n := ramp.Ops.Causes[results.CauseJoin]; n == 0 || n != ramp.Ops.Failed || ramp.Dials.Causes[results.CauseJoin] != n {
		t.Errorf("%+v %+v", ramp.Ops, ramp.Dials)
	}
	var said bool
	for _, f := range run.Findings {
		said = said || f.Severity == results.Fatal && f.Phase == "ramp" && strings.Contains(f.Text, "greetings") && strings.Contains(f.Text, "failed")
	}
	if run.Verdict != results.Invalid || !said {
		t.Errorf("%s: %+v", run.Verdict, run.Findings)
	}
}

// A server that refuses the very first join, or speaks something else, is told of
// in one sentence.
func TestChannelsPreflight(t *testing.T) {
	t.Parallel()
	full := serveChannels(t, func(s *channeltest.Server) { s.Refuse = func(int, string) string { return "no room" } })
	other := serve(t, false, nil) // an echo
	shut := serve(t, false, func(s *server) {
		s.answer = func(c net.Conn, _ ws.Frame) {
			_, _ = c.Write(ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1007, "no"))))
		}
	})
	for says, s := range map[string]*server{
		`joining room:0 was refused: status "error", response {"reason":"no room"}`: full,
		"no reply to a join of room:0 within":                                       other,
		`closed the connection when it was asked to join room:0: code 1007 "no"`:    shut,
	} {
		p := s.channelPlan(t, Hold)
		p.DialTimeout = 500 * time.Millisecond
		if _, err := Run(context.Background(), p, new(watch)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
