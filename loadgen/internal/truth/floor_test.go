package truth

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"signalbench/results"
)

// BenchmarkFloor measures the load generator with the netpoll engine against a
// bare pair of epoll loops that echo, or connect and accept, without WebSocket:
//
//	go test -run '^$' -bench Floor -benchtime 5x ./loadgen/internal/truth
//
// Each round measures the floor before and after; "of-floor" is the median over
// the rounds of what was reached, divided by the mean of the two.
func BenchmarkFloor(b *testing.B) {
	b.Run("echo", func(b *testing.B) {
		floor(b, func() float64 {
			return bare(b, "echo", "--conns=5000", "--payload=128", "--warm-up=1s", "--window=3s")
		}, func() float64 {
			run := netpoll(b, "--conns=5000", "--ramp=max", "--workload=echo-closed", "--in-flight=5000", "--payload=128B",
				"--settle=0s", "--warmup=2s", "--duration=6s")
			return phase(b, run, results.Window, "echo-closed").Achieved
		})
	})
	b.Run("upgrade", func(b *testing.B) {
		floor(b, func() float64 {
			return bare(b, "connect", "--conns=10240")
		}, func() float64 {
			run := netpoll(b, "--conns=10240", "--ramp=max", "--first-echo=false", "--workload=hold",
				"--settle=0s", "--warmup=0s", "--duration=100ms")
			ramp := phase(b, run, results.Ramp, "")
			return float64(ramp.Dials.Upgraded) / ramp.Length.Seconds()
		})
	})
}

func floor(b *testing.B, bare, reached func() float64) {
	var floors, rates, ratios []float64
	for b.Loop() {
		before := bare()
		rate := reached()
		mean := (before + bare()) / 2
		floors, rates, ratios = append(floors, mean), append(rates, rate), append(ratios, rate/mean)
	}
	b.ReportMetric(median(ratios), "of-floor")
	b.ReportMetric(median(rates), "reached/s")
	b.ReportMetric(median(floors), "floor/s")
	b.ReportMetric(0, "ns/op")
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func bare(b *testing.B, args ...string) float64 {
	b.Helper()
	out, err := exec.Command(filepath.Join(bin, "bare"), args...).Output()
	if err != nil {
		b.Fatalf("measuring the floor: %v", err)
	}
	var r struct {
		PerSecond float64 `json:"per_s"`
	}
	if err := json.Unmarshal(out, &r); err != nil {
		b.Fatalf("the floor is %q: %v", out, err)
	}
	return r.PerSecond
}

// netpoll runs the load generator against the netpoll engine, in its defaults.
func netpoll(b *testing.B, args ...string) *results.Run {
	b.Helper()
	server := start(b, "server", "--engine=netpoll", "--listen=127.0.0.1:0", "--quiet")
	run := generate(b, "ws://"+server.listening(b)+"/echo", args...).finish(b, time.Minute, exitValid)
	server.Process.Kill()
	<-server.ended
	return run
}
