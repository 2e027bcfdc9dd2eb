package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"signalbench/compare/internal/orchestrate"
	"signalbench/compare/internal/peers"
	"signalbench/compare/internal/toolchain"
)

// runCommand measures engines side by side. A flag that is not given is
// decided by the profile.
type runCommand struct {
	Engines    []string  `help:"Engines to compare, all but the lessons by default." placeholder:"NAME,..."`
	Peers      []string  `help:"Servers in other languages to compare with; compare peers lists them." placeholder:"NAME,..."`
	Quick      bool      `help:"One repetition of a small load in under a minute; no figure of it carries a claim." xor:"profile"`
	Thorough   bool      `help:"Six repetitions with longer windows." xor:"profile"`
	Reps       int       `help:"Repetitions, interleaved (default 3)." placeholder:"N"`
	Out        string    `help:"Folder for the results; it must not exist (default results/runs/ID)." placeholder:"DIR" type:"path"`
	Seed       uint64    `help:"Decides the order of the engines; 0 draws one, which is recorded." default:"0"`
	Bin        string    `help:"Folder with ready binaries server and loadgen, instead of building them." placeholder:"DIR" type:"path"`
	ServerFlag []setting `help:"A flag for every server alike, for example outbox=64KiB (repeatable)." placeholder:"NAME=VALUE" sep:"none"`

	GOGC        gcPercent  `name:"gogc" help:"The collector's percentage in each process of every server, off for none (default that of the environment)." placeholder:"PERCENT"`
	MemoryLimit memorySize `help:"The Go runtime's soft memory limit of every server as a whole: its processes get equal shares (default that of the environment)." placeholder:"SIZE"`

	Conns     int           `help:"Connections (default 10000)." placeholder:"N" group:"load"`
	Plateaus  int           `help:"Readings of memory on the way there (default 5)." placeholder:"N" group:"load"`
	Workload  []string      `help:"Workloads one after the other: hold, echo, echo-closed, churn, signal, broadcast, broadcast-closed, storm, push, hongbao (default echo,echo-closed)." enum:"hold,echo,echo-closed,churn,signal,broadcast,broadcast-closed,storm,push,hongbao" placeholder:"NAME,..." group:"load"`
	Rate      perSecond     `help:"Open loop: messages per second over all connections (default 5000/s, 1000/s for push; hongbao: shakes, default 3000/s)." placeholder:"RATE" group:"load"`
	InFlight  int           `help:"Closed loop: outstanding messages over all connections (default 100)." placeholder:"N" group:"load"`
	Payload   string        `help:"Size of a message (default 128B)." placeholder:"SIZE" group:"load"`
	Ramp      perSecond     `help:"Upgrades per second, or max (default max)." placeholder:"RATE" group:"load"`
	Pending   int           `help:"Most dials in progress at once." placeholder:"N" group:"load"`
	Yardstick *bool         `help:"Measure bare connect and accept before each ramp over loopback (default: for more connections than one process holds)." negatable:"" group:"load"`
	Heartbeat time.Duration `help:"Hold: each connection answers a ping in each interval (default none, 2m for more connections than one process holds)." placeholder:"DURATION" group:"load"`
	Probe     time.Duration `help:"Hold: a connection chosen at random echoes a message once in this time (default none, 5s for more connections than one process holds)." placeholder:"DURATION" group:"load"`
	Lifetime  time.Duration `help:"Churn: mean time that a connection lives (default 5s)." placeholder:"DURATION" group:"load"`
	Settle    time.Duration `help:"Wait before each reading of memory." placeholder:"DURATION" group:"load"`
	Warmup    time.Duration `help:"Load before each measurement window." placeholder:"DURATION" group:"load"`
	Duration  time.Duration `help:"Length of each measurement window." placeholder:"DURATION" group:"load"`
	Lanes     int           `help:"Event loops of the load generator, 0 for its own choice." placeholder:"N" group:"load"`

	Proto      string   `help:"What is spoken above WebSocket: none, or phoenix, where an echo is a push and its reply (default for signal and broadcast, and for storm without an echo), or channel, where each connection subscribes to a channel of its own (default for push)." enum:",none,phoenix,channel" default:"" placeholder:"NAME" group:"rooms"`
	Vsn        string   `help:"Version of the serializer (default that of the load generator)." placeholder:"VERSION" group:"rooms"`
	Topic      string   `help:"What connections join; {n} stands for the number of the room." placeholder:"TOPIC" group:"rooms"`
	Event      string   `help:"Event of a push." placeholder:"NAME" group:"rooms"`
	Rooms      int      `help:"Rooms." placeholder:"N" group:"rooms"`
	Publishers int      `help:"Broadcast: connections that publish, in all rooms together." placeholder:"N" group:"rooms"`
	Swarm      int      `help:"Signal: peers of a room (default 10)." placeholder:"N" group:"rooms"`
	Contacts   int      `help:"Signal: others that a joiner signals to." placeholder:"N" group:"rooms"`
	Storm      string   `help:"Storm: what ends all connections at once: reset, silence or restart (default restart)." enum:",reset,silence,restart" default:"" placeholder:"BY" group:"rooms"`
	Backoff    []string `help:"Storm: how clients wait before they dial again, a storm for each (default none,100ms..10s)." placeholder:"none|MIN..MAX,..." group:"rooms"`
	Adversary  []string `help:"Bad clients, as the load generator takes them, for example slow-reader=20; each workload runs without and then beside them (repeatable)." placeholder:"KIND=N" sep:"none" group:"rooms"`

	URL             string `help:"Measure a server of your own as well, or alone without --engines." placeholder:"URL" group:"own server"`
	Label           string `help:"Its name in the report." default:"own" group:"own server"`
	ServerPID       int    `name:"server-pid" help:"Its process, to read memory and CPU." placeholder:"PID" group:"own server"`
	Admin           string `help:"URL of an admin listener like ours." placeholder:"URL" group:"own server"`
	SkipConformance bool   `help:"Measure it without the conformance kit." group:"own server"`
	Insecure        bool   `help:"Accept any TLS certificate." group:"own server"`
}

// Run builds, measures, reports.
func (c *runCommand) Run(s *session) error {
	plan, err := c.plan(s)
	if err != nil {
		return err
	}
	return c.measure(s, plan, nil)
}

// measure builds, measures and reports. Arms become what spread makes of them; nil
// leaves them as they are.
func (c *runCommand) measure(s *session, plan orchestrate.Plan, spread func([]orchestrate.Arm) []orchestrate.Arm) error {
	bin, err := binaries(s, c.Bin)
	if err != nil {
		return err
	}
	defer bin.Close() // a temporary folder; nothing is lost if it stays
	if plan.Arms, err = c.arms(s.ctx, bin, plan.Load.Channels.Proto != ""); err != nil {
		return err
	}
	if spread != nil {
		plan.Arms = spread(plan.Arms)
	}
	ours := slices.ContainsFunc(plan.Arms, func(a orchestrate.Arm) bool { return a.Foreign == nil })
	if err := fits(s.ctx, bin.Loadgen, plan.Load, plan.Shards, plan.Arms, ours); err != nil {
		return err
	}
	return carryOut(s, bin, plan)
}

// plan puts the profile and the flags together, all but the arms.
func (c *runCommand) plan(s *session) (orchestrate.Plan, error) {
	p := profileFor(c.Quick, c.Thorough)
	if len(c.Workload) > 0 {
		p.load.Workloads = c.Workload
	}
	c.broadcasts(&p.load)
	p.signaling(c.Quick, c.Thorough)
	p.envelopes(c.Quick)
	set(&p.load.Conns, c.Conns)
	shards, err := orchestrate.Shards(p.load.Conns)
	if err != nil {
		return orchestrate.Plan{}, err
	}
	if shards > 1 {
		p.scale()
	}
	set(&p.repetitions, c.Reps)
	set(&p.load.Plateaus, c.Plateaus)
	set(&p.load.Rate, string(c.Rate))
	set(&p.load.InFlight, c.InFlight)
	set(&p.load.Payload, c.Payload)
	set(&p.load.Ramp, string(c.Ramp))
	set(&p.load.Pending, c.Pending)
	set(&p.load.Heartbeat, c.Heartbeat)
	set(&p.load.Probe, c.Probe)
	set(&p.load.Lifetime, c.Lifetime)
	set(&p.load.Settle, c.Settle)
	set(&p.load.WarmUp, c.Warmup)
	set(&p.load.Window, c.Duration)
	set(&p.load.Lanes, c.Lanes)
	if c.Yardstick != nil {
		p.load.Yardstick = *c.Yardstick
	}
	if err := c.signaling(&p.load); err != nil {
		return orchestrate.Plan{}, err
	}
	if err := c.envelopes(&p.load); err != nil {
		return orchestrate.Plan{}, err
	}
	p.load.Insecure = c.Insecure || slices.ContainsFunc(c.ServerFlag, func(f setting) bool { return strings.HasPrefix(string(f), "--tls-cert") })
	for name, v := range map[string]int{"--reps": p.repetitions, "--conns": p.load.Conns, "--plateaus": p.load.Plateaus, "--in-flight": p.load.InFlight} {
		if v < 1 {
			return orchestrate.Plan{}, fmt.Errorf("%s %d: must be at least 1", name, v)
		}
	}
	if p.load.Rate == "max" {
		return orchestrate.Plan{}, errors.New("--rate max: an open loop needs a rate; a closed loop (--workload echo-closed) goes as fast as it can")
	}
	if c.URL == "" && (c.ServerPID != 0 || c.Admin != "" || c.SkipConformance) {
		return orchestrate.Plan{}, errors.New("--server-pid, --admin and --skip-conformance are about a server of your own: give its --url")
	}
	out, err := resultFolder(s, c.Out, c.Bin, "compare")
	if err != nil {
		return orchestrate.Plan{}, err
	}
	plan := orchestrate.Plan{
		Title: "Comparison of WebSocket engines", Command: append([]string{"compare"}, s.args...),
		Out: out, Repetitions: p.repetitions, Seed: seed(c.Seed), NoClaim: p.noClaim, Load: p.load, Shards: shards,
	}
	if c.GOGC != "" {
		plan.ServerFlags = append(plan.ServerFlags, "--gogc="+string(c.GOGC))
	}
	if c.MemoryLimit != "" {
		plan.ServerFlags = append(plan.ServerFlags, "--memory-limit="+string(c.MemoryLimit))
	}
	for _, f := range c.ServerFlag {
		plan.ServerFlags = append(plan.ServerFlags, string(f))
	}
	return plan, nil
}

// set replaces a default by a flag that was given.
func set[T comparable](v *T, flag T) {
	var none T
	if flag != none {
		*v = flag
	}
}

// seed is the one asked for, or draws one.
func seed(asked uint64) uint64 {
	if asked != 0 {
		return asked
	}
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return uint64(binary.LittleEndian.Uint32(b[:])) + 1
}

// arms lists what is to be compared; with rooms, peers must have some.
func (c *runCommand) arms(ctx context.Context, bin toolchain.Binaries, rooms bool) ([]orchestrate.Arm, error) {
	others, err := peers.Arms(c.Peers, rooms)
	if err != nil {
		return nil, err
	}
	var arms []orchestrate.Arm
	if c.URL == "" || len(c.Engines) > 0 {
		list, err := listEngines(ctx, bin.Server)
		if err != nil {
			return nil, err
		}
		if arms, err = choose(list, c.Engines); err != nil {
			return nil, err
		}
	}
	arms = append(arms, others...)
	if c.URL != "" {
		arms = append(arms, orchestrate.Arm{Name: c.Label, Summary: "a server at " + c.URL, Foreign: &orchestrate.Foreign{
			URL: c.URL, PID: c.ServerPID, Admin: c.Admin, SkipConformance: c.SkipConformance,
		}})
	}
	return arms, nil
}
