package truth

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"signalbench/results"
)

// TestInterrupt: Ctrl-C in any phase ends the run soon, keeps what was
// measured, and marks it partial.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		phase string // as the progress line names it
		fault string
		args  []string
		kept  []results.PhaseKind
	}{
		{"ramp", "none", []string{"--ramp=20/s", "--conns=2000"}, []results.PhaseKind{results.Ramp}},
		{"settle", "none", []string{"--settle=60s"}, []results.PhaseKind{results.Ramp, results.Settle}},
		{"echo/warm-up", "none", []string{"--warmup=60s"}, []results.PhaseKind{results.Ramp, results.WarmUp}},
		{"echo/window", "none", []string{"--duration=60s"}, []results.PhaseKind{results.Ramp, results.Window}},
		{"echo/drain", "drop", []string{"--duration=100ms", "--drain=60s"}, []results.PhaseKind{results.Ramp, results.Window, results.Drain}},
	} {
		t.Run(strings.ReplaceAll(c.phase, "/", "-"), func(t *testing.T) {
			t.Parallel()
			server := serve(t, "--spoil", c.fault, "--every=1")
			g := generate(t, server.url, append([]string{"--conns=20", "--ramp=max", "--workload=echo", "--rate=200/s",
				"--settle=0s", "--warmup=0s", "--duration=1s"}, c.args...)...)
			g.await(t, "phase="+c.phase)
			if err := g.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			run := g.finish(t, 10*time.Second, exitInterrupted)
			if !run.Partial || run.Verdict != results.Invalid {
				t.Errorf("partial %t, verdict %s", run.Partial, run.Verdict)
			}
			for _, kind := range c.kept {
				p := phase(t, run, kind, "echo")
				if p.Kind == results.Window && p.Ops.Scheduled == 0 {
					t.Errorf("nothing of the %s was kept", p.Name)
				}
			}
			if d := phase(t, run, results.Ramp, "").Dials; d.Upgraded == 0 {
				t.Errorf("nothing of the ramp was kept: %+v", d)
			}
			if !strings.Contains(g.stderr.String(), "partial") {
				t.Errorf("does not say that the run is partial: %s", &g.stderr)
			}
		})
	}
}

// TestInterruptTwice: the second Ctrl-C does not wait for anything.
func TestInterruptTwice(t *testing.T) {
	t.Parallel()
	server := serve(t)
	g := generate(t, server.url, "--conns=20", "--workload=hold", "--settle=0s", "--warmup=0s", "--duration=60s")
	g.await(t, "phase=hold")
	// Stopped, it sees both at once.
	for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCONT} {
		if err := g.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	if code := g.code(t, 10*time.Second); code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
}
