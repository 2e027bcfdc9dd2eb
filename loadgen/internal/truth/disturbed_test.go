package truth

import (
	"syscall"
	"testing"
	"time"

	"signalbench/results"
)

// TestStarvedGenerator: a generator that does not get the CPU shows it as lag,
// and its run is INVALID, though the server was fine.
func TestStarvedGenerator(t *testing.T) {
	const starved, fed = 60 * time.Millisecond, 60 * time.Millisecond
	server := serve(t)
	g := generate(t, server.url, "--conns=50", "--ramp=1000/s", "--workload=echo", "--rate=500/s", "--warmup=200ms", "--duration=2s")
	for running, next := true, syscall.SIGSTOP; running; {
		if err := g.Process.Signal(next); err != nil {
			break
		}
		pause := starved
		if next == syscall.SIGCONT {
			pause, next = fed, syscall.SIGSTOP
		} else {
			next = syscall.SIGCONT
		}
		select {
		case <-g.ended:
			running = false
		case <-time.After(pause):
		}
	}
	run := g.finish(t, 10*time.Second, exitInvalid)
	window := phase(t, run, results.Window, "echo")
	if lag := metric(t, window, results.MetricLag); lag.P99 < starved*8/10 || lag.P50 > starved {
		t.Errorf("lag p50 %v p99 %v of a generator that is stopped half of the time for %v", lag.P50, lag.P99, starved)
	}
	if !hasFinding(run, results.CheckLag) {
		t.Errorf("no finding about lag among %+v", run.Findings)
	}
}

// TestServerDies: the run ends by itself, soon, and says so.
func TestServerDies(t *testing.T) {
	t.Parallel()
	for _, workload := range [][]string{
		{"--workload=echo", "--rate=500/s"},
		{"--workload=echo-closed", "--in-flight=20"},
		{"--workload=hold"},
	} {
		t.Run(workload[0], func(t *testing.T) {
			t.Parallel()
			server := serve(t)
			g := generate(t, server.url, append(workload, "--conns=50", "--ramp=max", "--warmup=0s", "--duration=60s")...)
			g.await(t, "connected=50")
			if err := server.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			run := g.finish(t, 20*time.Second, exitInvalid)
			var lost uint64
			for _, p := range run.Phases {
				lost += p.Dials.Lost
			}
			if lost != 50 {
				t.Errorf("%d connections lost, want 50", lost)
			}
		})
	}
}
