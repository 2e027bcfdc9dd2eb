package trial

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"signalbench/loadgen/internal/adversary"
	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/target"
	"signalbench/results"
)

// serveRaw is a server that echoes bytes in small pieces, and ends a connection when
// the client has ended its side; each is told to ended.
func serveRaw(t *testing.T, ended func(err error)) *server {
	t.Helper()
	return serve(t, false, func(s *server) {
		s.raw = func(c net.Conn) {
			_, err := io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{c}, make([]byte, 13))
			ended(err)
		}
	})
}

func rawPlan(t *testing.T, s *server, workloads ...string) *Plan {
	t.Helper()
	p := s.plan(t, workloads...)
	var err error
	if p.Target, err = target.Resolve(context.Background(), []string{"tcp://" + s.l.Addr().String()}, ""); err != nil {
		t.Fatal(err)
	}
	return p
}

// Everything that can be done without WebSocket, with messages that are cut anywhere,
// small ones and large ones: there is no upgrade, every connection that is established
// counts, and each ends in good order.
func TestRaw(t *testing.T) {
	// A small message in an open loop would be dropped where the one before it is late.
	for size, workloads := range map[int][]string{8: {Hold, EchoClosed}, 128: {Hold, Echo, EchoClosed, Churn}} {
		t.Run(fmt.Sprint(size, "B"), func(t *testing.T) {
			t.Parallel()
			var orderly, reset atomic.Int64
			s := serveRaw(t, func(err error) {
				if err == nil {
					orderly.Add(1)
				} else {
					reset.Add(1)
				}
			})
			p := rawPlan(t, s, workloads...)
			p.Payload, p.FirstEcho = size, true
			run, err := run(context.Background(), p, new(watch), often)
			if err != nil {
				t.Fatal(err)
			}
			if bad := fatal(run); len(bad) > 0 {
				t.Errorf("%q", bad)
			}
			books(t, run)
			ramp := named(t, run, "ramp")
			connect, _ := ramp.Metric(results.MetricConnect)
			if ramp.Dials.Upgraded != 20 || connect.Count != 20 {
				t.Errorf("%+v, %d connect times", ramp.Dials, connect.Count)
			}
			for _, phase := range run.Phases {
				if m, ok := phase.Metric(results.MetricUpgrade); ok {
					t.Errorf("%s has %d upgrade times", phase.Name, m.Count)
				}
			}
			for _, w := range workloads[1:] {
				o := named(t, run, w+"/window").Ops
				if w != Churn && o.Completed == 0 || o.Completed != o.Scheduled {
					t.Errorf("%s: %+v", w, o)
				}
			}
			if c := named(t, run, "teardown").Closing; c == nil || c.Begun == 0 || c.Reset != 0 {
				t.Errorf("%+v", c)
			}
			// The rehearsal's connections may be cut when it is over.
			if orderly.Load() < 20 || reset.Load() > int64(p.Lanes) {
				t.Errorf("%d ended in good order, %d were reset", orderly.Load(), reset.Load())
			}
		})
	}
}

// A server that spoils the stream is found out.
func TestRawIsVerified(t *testing.T) {
	t.Parallel()
	s := serve(t, false, func(s *server) {
		s.raw = func(c net.Conn) {
			buf := make([]byte, 4096)
			for {
				n, err := c.Read(buf)
				if err != nil {
					return
				}
				buf[n-1] ^= 1
				_, _ = c.Write(buf[:n])
			}
		}
	})
	p := rawPlan(t, s, Echo)
	p.Payload = 8
	run, err := run(context.Background(), p, new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	if o := named(t, run, "echo/window").Ops; o.Completed != 0 || o.Corrupt == 0 || run.Verdict != results.Invalid {
		t.Errorf("%s, %+v", run.Verdict, o)
	}
}

func TestRawRefuses(t *testing.T) {
	t.Parallel()
	s := serveRaw(t, func(error) {})
	for says, change := range map[string]func(*Plan){
		"workload storm needs WebSocket": func(p *Plan) { p.Workloads = []string{Hold, Storm} },
		"workload signal needs":          func(p *Plan) { p.Workloads = []string{Signal} },
		"--proto asks for":               func(p *Plan) { p.Proto = new(channel.Protocol) },
		"--binary asks for":              func(p *Plan) { p.Binary = true },
		"--heartbeat asks for":           func(p *Plan) { p.Heartbeat = p.Window },
		"--adversary asks for":           func(p *Plan) { p.Adversaries = []adversary.Demand{{Kind: adversary.PingFlood, Count: 1}} },
		"--payload: payload of 7 B":      func(p *Plan) { p.Payload, p.FirstEcho = 7, true },
	} {
		p := rawPlan(t, s, Hold)
		change(p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want %q", err, says)
		}
	}
}
