package orchestrate

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"signalbench/results"
)

// A Plan is a whole comparison.
type Plan struct {
	Title       string
	Command     []string // argv, for the record
	Out         string   // the suite's folder; must not exist
	Arms        []Arm
	Repetitions int
	Seed        uint64 // decides the order of the arms
	NoClaim     string // why the figures carry no claim; empty if they may
	Load        Load
	Shards      int // processes of each server, or its descriptor tables, with a port each; 0 means 1
	// ServerFlags are handed to every server alike, for example "--outbox=64KiB".
	ServerFlags []string
	// Reproduction is nil unless the plan repeats what somebody published.
	Reproduction *results.Reproduction
	// Benchmark is the arguments of our server with which it times operations by
	// themselves, after the steps, and prints them as JSON; empty for none.
	Benchmark []string
}

// An Arm is one thing under comparison: an engine of our server, a program that is
// started like it, or a server that somebody else runs.
type Arm struct {
	Name    string
	Summary string
	// Engine is that of our server; empty means the one called Name.
	Engine string
	// Setting is set where arms of the same engine differ in it alone. They are asked
	// for conformance once.
	Setting *results.Setting
	// Flags are for this arm's server alone, beyond Plan.ServerFlags, for example
	// "--gogc=50". The conformance kit is run without them: they may serve something
	// else where the kit expects an echo or nothing.
	Flags []string
	// Program is set for a server that is started for each step and is no engine of
	// ours.
	Program *Program
	// IdleBytes is about what an idle connection takes in the server; 0 if that is
	// not known.
	IdleBytes int
	// OwnTables is set for an engine that holds in one process, in several
	// descriptor tables, what takes others several processes.
	OwnTables bool
	// Lesson lists what a server is known to fail of the conformance kit; it is
	// measured all the same.
	Lesson []results.CaseResult
	// Foreign is set for a server that is not ours to start and stop.
	Foreign *Foreign
}

// A Program is a server that is started for each step as ours is: with --listen
// HOST:PORT behind Args, and with --admin HOST:PORT if it has one. It prints one line
// of JSON to standard output as soon as it listens, {"pid":N,"engine":NAME,
// "listen":["HOST:PORT"]}, and ends on SIGINT.
type Program struct {
	// Path is the executable; empty means that of our server.
	Path string
	Args []string
	// Engine is what the ready line and the admin listener say; empty means the name
	// of the arm.
	Engine string
	// Scheme is "ws", or "tcp" for a server that echoes bytes without WebSocket and is
	// not asked for conformance. Empty means "ws".
	Scheme string
	// Admin says that the program has an admin listener like ours.
	Admin bool
}

// engine is what the arm's server says it is.
func (a *Arm) engine() string {
	switch {
	case a.Program != nil && a.Program.Engine != "":
		return a.Program.Engine
	case a.Engine != "":
		return a.Engine
	}
	return a.Name
}

// raw reports whether the arm's server speaks no WebSocket.
func (a *Arm) raw() bool { return a.Program != nil && a.Program.Scheme == rawScheme }

// Foreign finds a server that is already running.
type Foreign struct {
	URL   string
	PID   int    // 0 if it is not known: no memory is measured
	Admin string // URL of an admin listener like ours; may be empty
	// SkipConformance measures the server without asking whether it is a
	// correct WebSocket server; the suite says so.
	SkipConformance bool
}

// A Load is what the load generator is asked to do in each step.
type Load struct {
	Workloads []string // in order, as results names them
	// Path is that of the URL, where "{i}" stands for the number of the connection;
	// empty means the echo service, the rooms or channels if Channels has a protocol, or
	// the red envelopes.
	Path      string
	Conns     int
	Plateaus  int
	Pending   int           // most dials in progress; 0 leaves it to the load generator
	Ramp      string        // "5000/s" or "max", as the load generator takes it
	Rate      string        // open loop, for example "5000/s"; all connections together
	InFlight  int           // closed loop; all connections together
	Payload   string        // for example "128B"
	Heartbeat time.Duration // hold: each connection is asked once in this time; 0: never
	Probe     time.Duration // hold: one connection of all echoes a message once in this time; 0: never
	Lifetime  time.Duration // churn: mean time that a connection lives
	Settle    time.Duration
	WarmUp    time.Duration
	Window    time.Duration
	Lanes     int // event loops; 0 leaves it to the load generator
	Seed      uint64
	Insecure  bool // accept any TLS certificate
	Yardstick bool // measure bare connect and accept before each ramp to a server on loopback
	Channels  Channels
	Storm     Storm
	// Adversaries are bad clients, as the load generator takes them; each workload
	// then runs without and beside them.
	Adversaries []string
	// Flags are further ones of the load generator, for example "--silence=360s".
	Flags []string
}

// args is the load generator's command line without target and folder.
func (l Load) args() []string {
	args := []string{
		"run",
		"--conns", strconv.Itoa(l.Conns),
		"--plateaus", strconv.Itoa(l.Plateaus),
		"--ramp", l.Ramp,
		"--workload", strings.Join(l.Workloads, ","),
		"--payload", l.Payload,
		"--settle", l.Settle.String(),
		"--warmup", l.WarmUp.String(),
		"--duration", l.Window.String(),
		"--seed", strconv.FormatUint(l.Seed, 10),
	}
	if l.Channels.Proto == "" && !l.envelopes() {
		args = append(args, "--first-echo")
	}
	args = append(args, l.Channels.args(l.Workloads)...)
	open, closed := false, false
	for _, w := range l.Workloads {
		switch w {
		case results.WorkloadHold:
			if l.Heartbeat > 0 {
				args = append(args, "--heartbeat", l.Heartbeat.String())
			}
			if l.Probe > 0 {
				args = append(args, "--probe", l.Probe.String())
			}
		case results.WorkloadEcho, results.WorkloadSignal, results.WorkloadBroadcast, results.WorkloadHongbao, results.WorkloadPush:
			open = true
		case results.WorkloadEchoClosed, results.WorkloadBroadcastClosed:
			closed = true
		case results.WorkloadChurn:
			args = append(args, "--lifetime", l.Lifetime.String())
		case results.WorkloadStorm:
			args = append(args, l.Storm.args()...)
		}
	}
	if open {
		args = append(args, "--rate", l.Rate)
	}
	if closed {
		args = append(args, "--in-flight", strconv.Itoa(l.InFlight))
	}
	for _, a := range l.Adversaries {
		args = append(args, "--adversary", a)
	}
	if l.Pending > 0 {
		args = append(args, "--pending", strconv.Itoa(l.Pending))
	}
	if l.Lanes > 0 {
		args = append(args, "--lanes", strconv.Itoa(l.Lanes))
	}
	if l.Insecure {
		args = append(args, "--insecure")
	}
	return append(args, l.Flags...)
}

// Estimate is about how long one step takes; for progress and for the deadline
// after which a load generator is given up, not for any figure.
func (l Load) Estimate() time.Duration {
	const upgrades = 5000 // per second, a modest machine
	d := 2*time.Second + time.Duration(l.Conns)*time.Second/upgrades
	if n, err := strconv.ParseFloat(strings.TrimSuffix(l.Ramp, "/s"), 64); err == nil && n > 0 && n < upgrades {
		d += time.Duration(float64(l.Conns)/n*1e9) - time.Duration(l.Conns)*time.Second/upgrades
	}
	d += time.Duration(l.Plateaus+1) * (l.Settle + 200*time.Millisecond)
	windows := len(l.Workloads)
	if len(l.Adversaries) > 0 {
		windows *= 2
	}
	d += time.Duration(windows) * (l.WarmUp + l.Window + 500*time.Millisecond)
	for _, w := range l.Workloads {
		if l.Yardstick && Broadcasts(w) {
			d += 2 * bareFanout
		}
	}
	return d + time.Duration(l.storms())*oneStorm
}

// deadline is after how long a load generator is given up.
func (l Load) deadline() time.Duration {
	return 3*l.Estimate() + time.Duration(l.storms())*longestStorm + loadSlack
}

// Order gives, for each repetition, the arms in the order in which they are
// measured: a shuffle decided by seed, turned by one place from each repetition
// to the next, so that over n repetitions of n arms each arm stands once at
// every place.
func Order(arms, repetitions int, seed uint64) [][]int {
	perm := rand.New(rand.NewPCG(seed, 0)).Perm(arms)
	order := make([][]int, repetitions)
	for r := range order {
		order[r] = make([]int, arms)
		for i := range perm {
			order[r][i] = perm[(i+r)%arms]
		}
	}
	return order
}

// validate reports what no step could be carried out with.
func (p *Plan) validate() error {
	if len(p.Arms) == 0 {
		return fmt.Errorf("a comparison needs at least one arm")
	}
	if p.Repetitions < 1 {
		return fmt.Errorf("%d repetitions: need at least 1", p.Repetitions)
	}
	seen := map[string]bool{}
	for _, a := range p.Arms {
		if a.Name == "" || strings.ContainsAny(a.Name, "/\\\x00") || strings.HasPrefix(a.Name, ".") {
			return fmt.Errorf("arm name %q cannot name a folder", a.Name)
		}
		if seen[a.Name] {
			return fmt.Errorf("arm %q is listed twice", a.Name)
		}
		seen[a.Name] = true
		if a.Program != nil && p.Shards > 1 && !a.OwnTables {
			return fmt.Errorf("%d connections are more than one process may have descriptors for (ulimit -n), and %s is one process: ask for fewer, or leave it out", p.Load.Conns, a.Name)
		}
		if a.Program != nil && !a.Program.Admin && p.Load.restarts() {
			return fmt.Errorf("--storm restart needs an admin listener that restarts the server, and %s has none: give --storm reset or silence, or leave it out", a.Name)
		}
	}
	return p.checkRooms()
}
