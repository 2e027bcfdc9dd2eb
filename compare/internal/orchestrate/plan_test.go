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
	want := "run --conns 100 --plateaus 5 --ramp 5000/s --workload hold,echo,echo-closed --payload 1KiB" +
		" --settle 500ms --warmup 1s --duration 3s --seed 9 --first-echo --rate 2000/s --in-flight 64"
	if got := strings.Join(l.args(), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	l.Workloads, l.Lifetime = []string{"churn"}, 5*time.Second
	if got := strings.Join(l.args(), " "); !strings.HasSuffix(got, "--seed 9 --first-echo --lifetime 5s") {
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

func TestSignalingArgs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		load Load
		want string // the end
	}{
		"signal": {
			Load{Workloads: []string{"signal"}, Rate: "500/s", InFlight: 7, Channels: Channels{Proto: Phoenix, Topic: "room:{n}", Swarm: 10, Contacts: 3, Publishers: 2}},
			"--proto phoenix --topic room:{n} --swarm 10 --contacts 3 --rate 500/s",
		},
		"broadcast": {
			Load{Workloads: []string{"broadcast-closed"}, Rate: "5/s", InFlight: 1, Channels: Channels{Proto: Phoenix, Version: "1.0.0", Event: "message", Rooms: 1, Publishers: 2, Swarm: 10}},
			"--proto phoenix --vsn 1.0.0 --event message --rooms 1 --publishers 2 --in-flight 1",
		},
		"push": {
			Load{Workloads: []string{"hold", "push"}, Rate: "1000/s", Probe: 5 * time.Second, Channels: Channels{Proto: Channel, Topic: "room:{n}", Rooms: 3}, Flags: []string{"--silence=360s"}},
			"--proto channel --probe 5s --rate 1000/s --silence=360s",
		},
		"storm": {
			Load{Workloads: []string{"storm"}, Rate: "500/s", Storm: Storm{By: "reset", Backoffs: []string{"none", "100ms..10s"}}},
			"--first-echo --storm reset --backoff none,100ms..10s",
		},
		"hongbao": {
			Load{Workloads: []string{"hold", "hongbao"}, Rate: "3000/s"},
			"--rate 3000/s",
		},
		"adversaries": {
			Load{Workloads: []string{"echo"}, Rate: "500/s", Channels: Channels{Proto: Phoenix}, Adversaries: []string{"slow-reader=20", "ping-flood=1"}},
			"--proto phoenix --rate 500/s --adversary slow-reader=20 --adversary ping-flood=1",
		},
	} {
		_, got, _ := strings.Cut(strings.Join(tt.load.args(), " "), "--seed 0 ")
		if got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, tt.want)
		}
	}
}

// A room is in one process, so that no engine that would be several may be asked
// for one.
func TestRoomsAreInOneProcess(t *testing.T) {
	t.Parallel()
	p := plan("out", 1, "a", "b")
	p.Shards, p.Load.Workloads = 3, []string{"hold", "signal"}
	p.Arms[0].OwnTables = true
	if err := p.validate(); err == nil || !strings.Contains(err.Error(), "3 processes of b ") {
		t.Errorf("validate = %v", err)
	}
	p.Arms[1].OwnTables = true
	if err := p.validate(); err != nil {
		t.Errorf("with tables of their own: %v", err)
	}
	p.Arms[1].OwnTables, p.Load.Workloads = false, []string{"hongbao"}
	if err := p.validate(); err == nil || !strings.Contains(err.Error(), "as red envelopes are") {
		t.Errorf("validate = %v", err)
	}
	if got := p.Load.at("ws://127.0.0.1:1/echo"); got != "ws://127.0.0.1:1/hongbao" {
		t.Errorf("red envelopes are at %s", got)
	}
	p.Load.Workloads = []string{"hold", "echo"}
	if err := p.validate(); err != nil {
		t.Errorf("an echo: %v", err)
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

// A load goes to the path of what it speaks, unless it names one.
func TestWhereLoadsGo(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]Load{
		"ws://h:1/echo":             {},
		"ws://h:1/socket/websocket": {Channels: Channels{Proto: Phoenix}},
		"ws://h:1/channel/{i}":      {Channels: Channels{Proto: Channel}},
		"ws://h:1/{i}":              {Channels: Channels{Proto: Channel}, Path: "/{i}"},
	} {
		if got := l.at("ws://h:1/echo"); got != want {
			t.Errorf("%+v goes to %s, want %s", l.Channels, got, want)
		}
	}
}
