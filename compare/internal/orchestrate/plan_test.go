package orchestrate

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Over n repetitions of n arms every arm stands once at every place.
func TestOrderIsBalanced(t *testing.T) {
	t.Parallel()
	const n = 4
	order := Order(n, n, 42)
	for place := range n {
		seen := make([]int, n)
		for _, o := range order {
			seen[o[place]]++
		}
		if !slices.Equal(seen, []int{1, 1, 1, 1}) {
			t.Errorf("place %d: arms stand there %v times", place, seen)
		}
	}
	if !slices.EqualFunc(order, Order(n, n, 42), slices.Equal) {
		t.Error("the same seed gives another order")
	}
	different := false
	for seed := range uint64(10) {
		different = different || !slices.Equal(Order(n, 1, seed)[0], order[0])
	}
	if !different {
		t.Error("the seed does not change the order")
	}
}

func TestLoadArgs(t *testing.T) {
	t.Parallel()
	l := Load{
		Workloads: []string{"hold", "echo", "echo-closed"}, Conns: 100, Plateaus: 5, Ramp: "5000/s", Rate: "2000/s", InFlight: 64, Payload: "1KiB",
		Settle: time.Second / 2, WarmUp: time.Second, Window: 3 * time.Second, Seed: 9,
	}
	want := "run --conns 100 --plateaus 5 --ramp 5000/s --workload hold,echo,echo-closed --first-echo --payload 1KiB" +
		" --settle 500ms --warmup 1s --duration 3s --seed 9 --rate 2000/s --in-flight 64"
	if got := strings.Join(l.args(), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	l.Workloads, l.Lifetime = []string{"churn"}, 5*time.Second
	if got := strings.Join(l.args(), " "); !strings.HasSuffix(got, "--seed 9 --lifetime 5s") {
		t.Errorf("churn without its lifetime: %s", got)
	}
	l.Workloads, l.Heartbeat, l.Probe = []string{"hold"}, time.Minute, 5*time.Second
	if got := strings.Join(l.args(), " "); !strings.HasSuffix(got, "--heartbeat 1m0s --probe 5s") {
		t.Errorf("a hold without its signs of life: %s", got)
	}
	if got := strings.Join(l.args(), " "); strings.Contains(got, "--rate") || strings.Contains(got, "--in-flight") {
		t.Errorf("a hold has no rate: %s", got)
	}
}

// The yardstick is this machine's loopback, and says nothing of a server elsewhere.
func TestYardstickIsForLoopback(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"ws://127.0.0.1:9000/echo": true, "ws://127.8.9.1/": true, "ws://[::1]:9000/echo": true, "wss://localhost:9000/echo": true,
		"ws://192.0.2.1:9000/echo": false, "ws://example.com/echo": false, "ws://127.0.0.1.example.com/": false,
	} {
		if got := onLoopback(url); got != want {
			t.Errorf("%s: %v, want %v", url, got, want)
		}
	}
}

func TestPortsAvoidOutgoingOnes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		low, high   int
		first, last int
		inside      bool
	}{
		{32768, 60999, 10000, 32767, false}, // the kernel's default
		{1024, 60999, 61000, 65535, false},
		{1024, 65535, 10000, 65535, true}, // nothing is left
	} {
		p := newPorts(tt.low, tt.high, 12345)
		if p.first != tt.first || p.last != tt.last || p.Inside != tt.inside {
			t.Errorf("%d-%d: %+v", tt.low, tt.high, p)
		}
		if p.next < p.first || p.next > p.last {
			t.Errorf("%d-%d: begins at %d", tt.low, tt.high, p.next)
		}
	}
}
