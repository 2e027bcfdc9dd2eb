package trial

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbench/loadgen/internal/channel/channeltest"
	"signalbench/results"
)

// signalPlan is a short run of sessions: 9 of them in a window, with 30 messages
// each.
func (s *server) signalPlan(t *testing.T, workloads ...string) *Plan {
	p := s.channelPlan(t, workloads...)
	p.Proto.Topic, p.Proto.Rooms, p.Proto.Swarm = "room:s{n}", 1, 10
	p.Conns, p.Swarm, p.Contacts, p.Candidates, p.Rate, p.Trickle = 30, 10, 3, 4, 450, 5*time.Millisecond
	p.Window, p.Lanes = 600*time.Millisecond, 1
	return p
}

// Sessions over real sockets: the run is VALID, every message is counted once and is
// in the histogram of its kind, in one table of descriptors or several.
func TestSignal(t *testing.T) {
	t.Parallel()
	s := serveChannels(t, func(s *channeltest.Server) { s.Gather = 20 * time.Millisecond })
	p := s.signalPlan(t, Signal, Signal)
	p.Groups = 3
	seen := new(watch)
	run, err := run(context.Background(), p, seen, often)
	if err != nil {
		t.Fatal(err)
	}
	if bad := fatal(run); len(bad) > 0 {
		t.Errorf("invalid: %q", bad)
	}
	books(t, run)
	for _, name := range []string{"signal/window", "signal-2/window"} {
		w := named(t, run, name)
		got := w.Signal
		if got == nil {
			t.Fatalf("%s has no signal", name)
		}
		if w.Ops.Completed != 9 || got.Relays.Completed != 270 || got.Joins.Completed != 9 || got.Answers != 27 || got.Notices.Completed != 81 || got.Told != 9 {
			t.Errorf("%s: %+v %+v", name, w.Ops, got)
		}
		if got.Swarms != 3 || got.Size != 10 || got.Contacts != 3 || got.Candidates != 4 || w.Offered != 15 || w.Achieved > 15 {
			t.Errorf("%s: %+v, %v/s offered, %v/s achieved", name, got, w.Offered, w.Achieved)
		}
		for metric, want := range map[string]uint64{results.MetricRelay: 270, results.MetricAnswer: 27, results.MetricJoin: 9, results.MetricPresence: 9, results.MetricResponse: 9} {
			if m, _ := w.Metric(metric); m.Count+m.Below != want {
				t.Errorf("%s: %s has %d values, want %d", name, metric, m.Count, want)
			}
		}
	}
	if named(t, run, "signal/drain").Signal != nil {
		t.Error("the drain claims sessions")
	}
	if sp := run.Spec; sp.Swarm != 10 || sp.Contacts != 3 || sp.Rooms != 3 || sp.Topic != "room:s{n}" {
		t.Errorf("%+v", sp)
	}
	if !slices.ContainsFunc(seen.ticks, func(s Snapshot) bool {
		return s.Phase == "signal/window" && s.Metric == results.MetricRelay && s.Received > 0
	}) {
		t.Error("no snapshot tells of relays")
	}
}

// A server that loses relays makes the run INVALID by as many as it says.
func TestSignalInvalid(t *testing.T) {
	t.Parallel()
	var logic *channeltest.Server
	s := serveChannels(t, func(s *channeltest.Server) {
		logic = s
		s.Relay = func(n int) channeltest.Fate { return channeltest.Fate{Drop: n%40 == 0} }
	})
	p := s.signalPlan(t, Signal)
	p.Drain = 500 * time.Millisecond
	run, err := run(context.Background(), p, new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	var missing uint64
	for _, ph := range run.Phases {
		if ph.Signal != nil {
			missing += ph.Signal.Relays.Missing
		}
	}
	s.die()
	s.all.Wait()
	if missing == 0 || missing != uint64(logic.Spoiled) {
		t.Errorf("%d missing, the server has dropped %d", missing, logic.Spoiled)
	}
	if !slices.ContainsFunc(fatal(run), func(text string) bool {
		return strings.HasPrefix(text, results.CheckDelivery+" signal/window: relays: ")
	}) {
		t.Errorf("%q", fatal(run))
	}
}

// What cannot be done is said before anything is.
func TestCheckSignal(t *testing.T) {
	t.Parallel()
	s := serveChannels(t, nil)
	for says, spoil := range map[string]func(*Plan){
		"needs --proto phoenix":                func(p *Plan) { p.Proto = nil },
		"needs --rate, the relayed messages":   func(p *Plan) { p.Rate = 0 },
		"--swarm 1: a swarm has two":           func(p *Plan) { p.Swarm = 1 },
		"--swarm 31 is more than there are":    func(p *Plan) { p.Swarm = 31 },
		"--contacts 10: a peer of a swarm":     func(p *Plan) { p.Contacts = 10 },
		"--contacts 0: a peer of a swarm":      func(p *Plan) { p.Contacts = 0 },
		"--contacts 40 is over 32":             func(p *Plan) { p.Conns, p.Swarm, p.Proto.Swarm, p.Contacts = 50, 50, 50, 40 },
		"--candidates 32: from 0 to 31":        func(p *Plan) { p.Candidates = 32 },
		"--trickle -1s is negative":            func(p *Plan) { p.Trickle = -time.Second },
		"the 4 candidates take 1.6s and a con": func(p *Plan) { p.Trickle = 400 * time.Millisecond },
		"4 event loops are too many for 3":     func(p *Plan) { p.Lanes = 4 },
		"begin a session every 60ms":           func(p *Plan) { p.Rate = 15_000 },
		"echo cannot come after signal":        func(p *Plan) { p.Workloads = []string{Signal, Echo} },
		`no object, which workload signal`:     func(p *Plan) { p.Proto.Join = []byte("[]") },
		`has a member "meta", which workload`:  func(p *Plan) { p.Proto.Join = []byte(`{"meta":1}`) },
		"has no {n}, which stands for the num": func(p *Plan) { p.Proto.Topic = "room:one" },
	} {
		p := s.signalPlan(t, Signal)
		spoil(p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	if err := s.signalPlan(t, Hold, Echo, Signal, Churn).Check(); err != nil {
		t.Error(err)
	}
}

// Lanes divide the connections so that no swarm is on two of them.
func TestSwarmsAndLanes(t *testing.T) {
	t.Parallel()
	s := serveChannels(t, nil)
	for _, tc := range []struct{ conns, swarm, lanes, groups int }{{60, 10, 2, 1}, {60, 10, 2, 3}, {61, 10, 3, 2}, {59, 7, 4, 2}, {20, 10, 2, 1}} {
		p := s.signalPlan(t, Signal)
		p.Conns, p.Swarm, p.Lanes, p.Groups = tc.conns, tc.swarm, tc.lanes, tc.groups
		of := make(map[int]int) // lanes by connection
		for i := range p.loops() {
			first, conns, chunk := p.lane(i)
			for c := range conns {
				n := first + c/chunk*p.Lanes*chunk + c%chunk
				if _, twice := of[n]; twice || n >= tc.conns {
					t.Fatalf("%+v: connection %d of lane %d is another's or none", tc, n, i)
				}
				of[n] = i
			}
		}
		if len(of) != tc.conns {
			t.Errorf("%+v: %d connections", tc, len(of))
		}
		for n, i := range of {
			if of[n/tc.swarm*tc.swarm] != i {
				t.Errorf("%+v: the swarm of connection %d is on two lanes", tc, n)
			}
		}
	}
}
