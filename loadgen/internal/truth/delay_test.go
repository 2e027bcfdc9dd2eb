package truth

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"signalbench/results"
)

// attempts is how often a run is repeated that the machine disturbed. Noise
// only ever adds, and not always; a bias of the generator is there every time.
const attempts = 16

// allowed is how far a response time may be from the truth: 2 % or 100 us,
// whichever is larger.
func allowed(truth time.Duration) time.Duration {
	return max(truth/50, 100*time.Microsecond)
}

// TestKnownDelay: what is claimed about a server that answers after a known
// time is that time. The truth is the server's own record of what it did,
// which on a quiet machine is the delay itself.
func TestKnownDelay(t *testing.T) {
	for _, delay := range []time.Duration{10 * time.Millisecond, 50 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			for n := 1; ; n++ {
				server := serve(t, "--delay", delay.String())
				server.ahead()
				g := generate(t, server.url, "--conns=100", "--ramp=1000/s", "--workload=echo", "--rate=500/s",
					"--settle=0s", "--warmup=200ms", "--duration=1s")
				g.atOnce()
				run := g.undisturbed(t, 30*time.Second, n < attempts)
				truth := server.stop(t)
				if run == nil {
					continue
				}
				window := phase(t, run, results.Window, "echo")
				got, lag := metric(t, window, results.MetricResponse), metric(t, window, results.MetricLag)
				t.Logf("asked %v; the server's own p50 %v p99 %v; response p50 %v p99 %v; lag p50 %v p99 %v",
					delay, truth.DelayP50, truth.DelayP99, got.P50, got.P99, lag.P50, lag.P99)
				if window.Model != results.OpenLoop {
					t.Errorf("model %q, want %q", window.Model, results.OpenLoop)
				}
				if got.Min < delay {
					t.Errorf("a response after %v, before the delay of %v", got.Min, delay)
				}
				var wrong []string
				for _, q := range []struct {
					name       string
					got, truth time.Duration
				}{{"p50", got.P50, truth.DelayP50}, {"p99", got.P99, truth.DelayP99}} {
					if off := (q.got - q.truth).Abs(); off > allowed(q.truth) {
						wrong = append(wrong, fmt.Sprintf("%s of response time is %v, truth is %v: off by %v, allowed are %v",
							q.name, q.got, q.truth, off, allowed(q.truth)))
					}
				}
				if len(wrong) == 0 {
					return
				}
				if n == attempts {
					t.Fatalf("%d runs, none true; the last: %s", n, strings.Join(wrong, "; "))
				}
			}
		})
	}
}
