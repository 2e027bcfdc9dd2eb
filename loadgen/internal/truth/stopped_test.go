package truth

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"signalbench/results"
)

// TestServerStopsForAWhile: when all processes of a server are stopped under held
// connections, none of them is given up or dialled again, and whatever was due
// meanwhile shows how long it waited.
func TestServerStopsForAWhile(t *testing.T) {
	const rows = 3 // a second each
	server := start(t, "server", "--engine", "netpoll", "--shards", "2", "--listen", "127.0.0.1:22100", "--quiet")
	var ready struct{ Shards []struct{ PID int } }
	server.decode(t, &ready)
	signal := func(s syscall.Signal) {
		for _, shard := range ready.Shards {
			if err := syscall.Kill(shard.PID, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(ready.Shards) != 2 {
		t.Fatalf("%d shards", len(ready.Shards))
	}
	g := generate(t, "ws://127.0.0.1:22100/echo", "--ports=2", "--conns=100", "--ramp=1000/s", "--workload=hold", "--settle=0s",
		"--warmup=0s", "--duration=8s", "--heartbeat=1s", "--heartbeat-timeout=20s", "--probe=100ms")
	g.await(t, "phase=hold/window")
	signal(syscall.SIGSTOP)
	since, seen := time.Now(), strings.Count(g.stderr.String(), "phase=hold/window")
	for strings.Count(g.stderr.String(), "phase=hold/window") < seen+rows {
		select {
		case <-g.ended:
			t.Fatalf("it ended: %v\n%s", g.err, &g.stderr)
		case <-time.After(5 * time.Millisecond):
		}
	}
	stood := time.Since(since)
	signal(syscall.SIGCONT)
	run := g.finish(t, 40*time.Second, exitValid)
	for _, p := range run.Phases {
		if d := p.Dials; p.Kind != results.Ramp && d.Scheduled+d.Lost > 0 {
			t.Errorf("%s: %d dialled, %d lost", p.Name, d.Scheduled, d.Lost)
		}
	}
	window := phase(t, run, results.Window, "hold")
	for _, name := range []string{results.MetricResponse, results.MetricProbe} {
		if m := metric(t, window, name); m.Max < stood*8/10 || m.Max > stood+2*time.Second {
			t.Errorf("the longest %s is %v, the server stood still for %v", name, m.Max, stood)
		}
	}
	if o := window.Ops; o.Completed != o.Scheduled || window.Probes.Completed != window.Probes.Scheduled {
		t.Errorf("heartbeats %+v, probes %+v", o, window.Probes)
	}
}
