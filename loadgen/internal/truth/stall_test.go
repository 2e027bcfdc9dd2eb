package truth

import (
	"testing"
	"time"

	"signalbench/results"
)

const (
	stallEvery = time.Second
	stallFor   = 200 * time.Millisecond
)

// stalled is the quantile q of response time for a server that stops for
// stallFor in every stallEvery and otherwise answers at once, under operations
// that are due evenly: one in five is due during a stall and waits for the rest
// of it, anything from 0 to all of it.
func stalled(q float64) time.Duration {
	share := float64(stallFor) / float64(stallEvery)
	return time.Duration(max(0, 1-(1-q)/share) * float64(stallFor))
}

func TestStalledQuantiles(t *testing.T) {
	for q, want := range map[float64]time.Duration{0.5: 0, 0.8: 0, 0.9: 100 * time.Millisecond, 0.99: 190 * time.Millisecond} {
		if got := stalled(q); (got - want).Abs() > time.Microsecond {
			t.Errorf("quantile %g is %v, want %v", q, got, want)
		}
	}
}

// TestStallInOpenLoop: a stall delays everything that was due meanwhile, so
// that it shows in the percentiles as arithmetic says.
func TestStallInOpenLoop(t *testing.T) {
	const slack = 5 * time.Millisecond // to work off 100 messages after a stall, twice
	for n := 1; ; n++ {
		server := serve(t, "--stall-every", stallEvery.String(), "--stall-for", stallFor.String())
		server.ahead()
		g := generate(t, server.url, "--conns=50", "--ramp=1000/s", "--workload=echo", "--rate=500/s",
			"--settle=0s", "--warmup=200ms", "--duration=4s")
		g.atOnce()
		run := g.undisturbed(t, 30*time.Second, n < attempts)
		truth := server.stop(t)
		if run == nil {
			continue
		}
		window := phase(t, run, results.Window, "echo")
		got := metric(t, window, results.MetricResponse)
		t.Logf("%d stalls, %v in all; response p50 %v p90 %v p99 %v max %v", truth.Stalls, truth.Stalled, got.P50, got.P90, got.P99, got.Max)
		ok := true
		for _, q := range []struct {
			name string
			q    float64
			got  time.Duration
		}{{"p50", 0.5, got.P50}, {"p90", 0.9, got.P90}, {"p99", 0.99, got.P99}} {
			if off := (q.got - stalled(q.q)).Abs(); off > slack {
				ok = false
				if n == attempts {
					t.Errorf("%s of response time is %v, arithmetic says %v within %v", q.name, q.got, stalled(q.q), slack)
				}
			}
		}
		if ok || t.Failed() {
			return
		}
	}
}

// TestStallInClosedLoop: the stall stops the load too and hides in a few
// operations, so a closed loop is labelled and claims no response time.
func TestStallInClosedLoop(t *testing.T) {
	server := serve(t, "--stall-every", stallEvery.String(), "--stall-for", stallFor.String())
	run := generate(t, server.url, "--conns=50", "--ramp=1000/s", "--workload=echo-closed", "--in-flight=10",
		"--warmup=200ms", "--duration=3s").finish(t, 30*time.Second, exitValid)
	window := phase(t, run, results.Window, "echo-closed")
	if window.Model != results.ClosedLoop {
		t.Errorf("model %q, want %q", window.Model, results.ClosedLoop)
	}
	if m, ok := window.Metric(results.MetricResponse); ok {
		t.Errorf("a closed loop claims a response time: %+v", m)
	}
	service := metric(t, window, results.MetricService)
	t.Logf("service p90 %v p99 %v max %v of %d", service.P90, service.P99, service.Max, service.Count)
	if service.Max < stallFor*9/10 {
		t.Errorf("the longest service time is %v with stalls of %v", service.Max, stallFor)
	}
	if service.P99 > stalled(0.99)/2 {
		t.Errorf("p99 of service time is %v: then why distrust closed loops?", service.P99)
	}
}
