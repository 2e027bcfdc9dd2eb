package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"signalbench/loadgen/internal/adminapi"
	"signalbench/loadgen/internal/adversary"
	"signalbench/loadgen/internal/doctor"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/progress"
	"signalbench/loadgen/internal/sock"
	"signalbench/loadgen/internal/summary"
	"signalbench/loadgen/internal/target"
	"signalbench/loadgen/internal/trial"
	"signalbench/loadgen/internal/workload"
	"signalbench/results"
)

// runCommand is the flags of "loadgen run".
type runCommand struct {
	URL       []string  `required:"" sep:"none" placeholder:"ws://HOST:PORT/PATH" help:"Where to connect; {i} in it is the number of the connection, from 0. Repeat it to spread connections over several ports or servers of one kind. tcp://HOST:PORT is a server that echoes bytes without WebSocket, and each --payload bytes are a message."`
	Ports     int       `default:"1" placeholder:"P" help:"Connect to P consecutive ports from that of --url on, one after the other filled with an equal part of the connections."`
	PerPort   int       `placeholder:"N" help:"With --ports: fill each port with N connections before the next, instead of equal parts; as few ports as that takes are used."`
	Conns     int       `default:"1000" help:"Connections to open."`
	Ramp      pace.Rate `default:"5000/s" help:"Upgrades per second, or max: as fast as --pending allows; each dial is then due when there is room for it."`
	Pending   *int      `placeholder:"N" help:"Most dials in progress at once. Default: 512, and 1024 for --ramp max."`
	Plateaus  int       `default:"1" help:"Stops on the way to --conns at which memory is read; 3 or more give its slope an interval."`
	Workload  []string  `default:"hold" help:"One or several, in order, on the same connections: hold, echo, echo-closed, churn, storm, broadcast, broadcast-closed, signal, push, hongbao."`
	Rate      pace.Rate `placeholder:"N/s" help:"Messages per second of workload echo (open loop), all connections together; published messages of workload broadcast, all rooms together; relayed messages of workload signal; messages that workload push publishes; shakes of workload hongbao."`
	InFlight  int       `placeholder:"N" help:"Outstanding messages of workloads echo-closed and broadcast-closed (closed loops), all connections together; there the next message is published when one has reached everybody. Without --rate, echo and broadcast mean these."`
	Payload   bytes     `default:"128B" help:"Size of a message; under 32B each connection has at most one outstanding."`
	Binary    bool      `help:"Send binary messages; text is the default."`
	FirstEcho bool      `help:"Each connection echoes one message after its upgrade."`

	Proto       string        `enum:",phoenix,channel" default:"" placeholder:"phoenix|channel" help:"What is spoken above WebSocket. phoenix: each connection joins a topic after its upgrade, and an echo is a push and its reply. channel: each subscribes to a channel by its path, for example /channel/{i}; nothing is echoed, and workload push and --probe publish through --admin."`
	Vsn         string        `placeholder:"2.0.0" help:"Version of the serializer of --proto phoenix: 1.0.0 or 2.0.0, which is the default."`
	Topic       string        `placeholder:"room:bench" help:"What connections join; {n} is the number of the connection's room. Default: room:bench, and room:s{n} for workload signal, where {n} is that of the swarm."`
	Rooms       uint32        `default:"1" placeholder:"N" help:"Rooms that connections join in turn, where {n} is in --topic."`
	Swarm       int           `default:"10" placeholder:"S" help:"Workload signal: peers of a swarm, which is a room; the last swarm may be smaller."`
	Contacts    int           `default:"3" placeholder:"K" help:"Workload signal: others of the swarm to which a peer that has joined sends an offer."`
	Candidates  int           `default:"4" placeholder:"N" help:"Workload signal: candidates that follow each offer and each answer."`
	Trickle     time.Duration `default:"20ms" help:"Workload signal: how long after its offer or answer each further candidate is due; 0 sends all of them at once."`
	Publishers  int           `default:"1" placeholder:"P" help:"Workload broadcast: how many members of each room publish to all others; a message is a payload of --payload bytes, to which the protocol and the server add theirs."`
	JoinPayload string        `default:"{}" placeholder:"JSON" help:"Payload of a join. Workload broadcast asks for no presence, and alone for no replies to what is published, unless it is given."`
	Event       string        `default:"echo" help:"Event of a push; one that the server answers with the status ok."`
	PushPayload *string       `placeholder:"JSON" help:"Payload of a push. Default: a JSON object of --payload bytes."`

	Settle      time.Duration `default:"1s" help:"Rest at each plateau before memory is read settled."`
	Warmup      time.Duration `default:"2s" help:"Load before the measurement window."`
	Duration    time.Duration `default:"10s" help:"Length of the measurement window, for each workload."`
	Drain       time.Duration `default:"5s" help:"Longest wait for answers after a window."`
	DialTimeout time.Duration `default:"10s" help:"Longest time from the first packet of a dial to the upgrade."`

	Lifetime      time.Duration `placeholder:"30s" help:"Mean time that a connection lives in workload churn."`
	LifetimeFixed bool          `help:"All connections live equally long; lifetimes are exponential otherwise."`
	Seed          uint64        `default:"1" help:"Of the lifetimes."`

	Storm      string             `default:"reset" placeholder:"reset|silence|restart" help:"Workload storm: what ends all connections at once: the generator resets them, or falls silent until the server ends them, or --restart-url restarts the server."`
	RestartURL string             `name:"restart-url" placeholder:"URL" help:"A POST to it ends the server's process and starts it again on the same ports; it is answered when that listens."`
	Backoff    []workload.Backoff `default:"none" placeholder:"none|100ms..10s" help:"Workload storm: how a client waits before it dials again: not at all, or at random, up to the first time at first and twice as long after each failure, up to the second. Several, with commas, make a storm each."`
	StormLimit time.Duration      `default:"60s" help:"Workload storm: longest time until all connections are lost, and from then on until all are back."`

	Adversary []adversary.Demand `placeholder:"KIND=N" help:"Bad clients beside the healthy ones, several with commas: slow-reader, byte-at-a-time, half-handshake, ping-flood, oversize. Each workload runs first without and then with them."`

	Heartbeat        time.Duration `placeholder:"300s" help:"Workload hold: ping each connection once in this time, spread evenly, and expect its pong; 0 leaves them alone."`
	HeartbeatTimeout time.Duration `default:"20s" help:"A connection whose pong takes longer has failed."`
	Probe            time.Duration `placeholder:"5s" help:"Workload hold: echo a message on a connection chosen at random, once in this time, or publish it to its channel with --proto channel; 0 is never."`
	Silence          time.Duration `placeholder:"360s" help:"Workload hold: end a connection that has heard nothing for so long; it counts as lost. 0 is never."`
	CloseRate        closeRate     `default:"auto" placeholder:"N/s" help:"Closing handshakes per second at the end, or auto: as many as leave no orphaned sockets."`

	Yardstick bool `help:"Measure bare connect and accept over loopback before the ramp, whose upgrades are then also given as a ratio to it; and bare fan-out over as many connections before and after workload broadcast."`

	Lanes       int    `help:"Event loops that work at once while connections are opened; 0 means half the cores. There are more where one descriptor table (ulimit -n) does not hold all connections."`
	ServerPID   int    `name:"server-pid" placeholder:"PID" help:"The server's process on this machine, to read its memory and CPU time."`
	Admin       string `placeholder:"URL" help:"The server's admin listener, to read its heap, goroutines and settings."`
	ServerBytes bytes  `placeholder:"SIZE" help:"User-space bytes that a connection takes in the server, for the check whether memory suffices; by default those of a dear one."`
	Insecure    bool   `help:"Trust any certificate of a wss server."`
	Origin      string `help:"Origin header field of the opening handshakes."`
	Label       string `help:"Name of this run in tables."`
	Out         string `placeholder:"DIR" help:"Folder to write; must not exist. Default: results/runs/ID."`
}

// Run carries the load out.
func (c *runCommand) Run(s *session) error {
	p, err := c.plan(s)
	if err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return err
	}
	if err := fits(s.ctx, p, int64(c.ServerBytes)); err != nil {
		return err
	}
	show := progress.New(s.stderr)
	result, err := trial.Run(s.ctx, p, show)
	show.Close()
	if err != nil && s.ctx.Err() != nil {
		return fmt.Errorf("%w before anything was measured", errInterrupted)
	}
	if err != nil {
		return err
	}
	summary.Write(s.stdout, result, p.Out)
	switch {
	case result.Partial && s.ctx.Err() != nil:
		return fmt.Errorf("%w: what was measured until then is in %s, marked partial", errInterrupted, p.Out)
	case result.Verdict != results.Valid:
		return fmt.Errorf("%w: %s", errInvalid, reason(result))
	}
	return nil
}

// reason is the first finding that makes a run invalid.
func reason(r *results.Run) string {
	for _, f := range r.Findings {
		if f.Severity == results.Fatal {
			if f.Phase != "" {
				return f.Phase + ": " + f.Text
			}
			return f.Text
		}
	}
	return "no reason was given"
}

// plan turns flags into a plan.
func (c *runCommand) plan(s *session) (*trial.Plan, error) {
	proto, urls, err := c.protocol()
	if err != nil {
		return nil, err
	}
	switch {
	case c.PerPort == 0:
	case c.PerPort < 0 || c.Ports == 1:
		return nil, fmt.Errorf("--per-port %d: how many connections each of several --ports is filled with", c.PerPort)
	case c.Conns > c.PerPort*c.Ports:
		return nil, fmt.Errorf("--per-port %d with --ports %d is for %d connections, and --conns is %d: give more ports", c.PerPort, c.Ports, c.PerPort*c.Ports, c.Conns)
	default:
		c.Ports = max(2, (c.Conns+c.PerPort-1)/c.PerPort) // the preflight need not ask the others
	}
	if c.Ports != 1 {
		if len(urls) > 1 {
			return nil, errors.New("--ports counts from the port of one --url: give one, or name them all without --ports")
		}
		if urls, err = target.Consecutive(urls[0], c.Ports); err != nil {
			return nil, err
		}
	}
	t, err := target.Resolve(s.ctx, urls, c.Origin)
	if err != nil {
		return nil, err
	}
	if err := c.plain(t); err != nil {
		return nil, err
	}
	if c.Ports > 1 {
		t.Fill(c.PerPort)
	}
	p := &trial.Plan{
		Command: append([]string{"loadgen"}, s.args...), Label: c.Label, Target: t,
		Workloads: slices.Clone(c.Workload), Conns: c.Conns, Plateaus: c.Plateaus, Ramp: c.Ramp, Pending: pendingOf(c.Pending, c.Ramp), FirstEcho: c.FirstEcho,
		Lanes: c.Lanes, Payload: int(c.Payload), Binary: c.Binary, Rate: c.Rate, InFlight: c.InFlight, Publishers: c.Publishers, Swarm: c.Swarm, Contacts: c.Contacts, Candidates: c.Candidates, Trickle: c.Trickle,
		Lifetimes: workload.Lifetimes{Mean: c.Lifetime, Fixed: c.LifetimeFixed, Seed: c.Seed},
		Heartbeat: c.Heartbeat, HeartbeatTimeout: c.HeartbeatTimeout, Probe: c.Probe, Silence: c.Silence, CloseRate: pace.Rate(c.CloseRate),
		Storm: c.Storm, RestartURL: c.RestartURL, Backoffs: c.Backoff, StormLimit: c.StormLimit, Adversaries: c.Adversary,
		Yardstick: c.Yardstick, Proto: proto, Subscribe: c.Proto == trial.Subscribes,
		Settle: c.Settle, WarmUp: c.Warmup, Window: c.Duration, Drain: c.Drain, DialTimeout: c.DialTimeout,
		ServerPID: c.ServerPID, Admin: c.Admin, Out: c.Out,
	}
	if t.TLS {
		p.TLS = &tls.Config{ServerName: t.ServerName, InsecureSkipVerify: c.Insecure, MinVersion: tls.VersionTLS12}
	}
	if proto != nil {
		p.Payload = len(proto.Push)
	}
	if p.Lanes == 0 {
		p.Lanes = min(defaultLanes(p.Stretches()), max(1, p.Pending))
	}
	if p.Groups, err = groups(p.Conns, p.Lanes, p.Spare(), adversary.Total(p.Adversaries)); err != nil {
		return nil, err
	}
	for i, w := range p.Workloads {
		if p.Rate > 0 || p.InFlight == 0 {
			break
		}
		switch w {
		case trial.Echo:
			p.Workloads[i] = trial.EchoClosed
		case trial.Broadcast:
			p.Workloads[i] = trial.BroadcastClosed
		}
	}
	if p.Out == "" {
		p.Out = filepath.Join("results", "runs", trial.NewID(time.Now(), c.Label))
	}
	return p, nil
}

// plain refuses what a server that echoes bytes knows nothing of, and a run cannot
// tell from what it does not ask for.
func (c *runCommand) plain(t *target.Target) error {
	switch {
	case !t.Raw:
		return nil
	case c.Insecure:
		return fmt.Errorf("--insecure is about certificates, and %s is plain TCP: leave it out", t)
	case c.Origin != "":
		return fmt.Errorf("--origin is a field of the opening handshake, and %s has none: leave it out", t)
	}
	return nil
}

// pendingOf is what --pending says, or its default. A ramp without a rate is
// paced by this window alone, and keeps both sides busy only if it is wide.
func pendingOf(asked *int, ramp pace.Rate) int {
	switch {
	case asked != nil:
		return *asked
	case ramp == pace.Max:
		return 1024
	}
	return 512
}

// defaultLanes is half the cores: the server has the other half.
func defaultLanes(conns int) int { return min(max(1, runtime.NumCPU()/2), max(1, conns)) }

// groups is how many groups of lanes it takes to hold conns connections under the
// limit of descriptors. A lane may have up to spare more than its part. Others
// beside them are in the process's own table, which the connections of lanes leave
// to them where they have tables of their own.
func groups(conns, lanes, spare, others int) (int, error) {
	limit, err := sock.DescriptorLimit()
	if err != nil {
		return 0, err
	}
	if lanes < 1 || sock.Tables(conns+others, limit) == 1 {
		return 1, nil
	}
	if sock.Tables(others, limit) > 1 {
		return 0, fmt.Errorf("%d adversaries are more than the %d descriptors that this process may have (ulimit -n) let in", others, limit)
	}
	return max(2, (sock.Tables(conns, limit-spare)+lanes-1)/lanes), nil
}

// fits refuses a plan that a limit of this machine stands against. The server's
// side is looked at if its process is known; serverBytes is what a connection takes
// there, 0 for a guess on the safe side.
func fits(ctx context.Context, p *trial.Plan, serverBytes int64) error {
	plan := doctor.Plan{Conns: int64(p.Conns), ServerBytes: serverBytes, ServerPID: p.ServerPID, Destinations: int64(len(p.Target.Addrs())), Tables: int64(p.Groups * p.Lanes), Pending: int64(p.Pending)}
	if !p.Target.Loopback() || p.Target.Addrs()[0].Addr().Is6() {
		plan.Sources = 1
	}
	if p.Admin != "" && p.Target.Loopback() {
		admin := adminapi.New(p.Admin)
		defer admin.Close()
		stats, err := admin.Stats(ctx)
		if err != nil {
			return fmt.Errorf("--admin: %w", err)
		}
		if plan.ServerPID == 0 {
			plan.ServerPID = stats.PID
		}
		plan.ServerTables = stats.Tables
	}
	plan.ServerHere = plan.ServerPID != 0
	if r := doctor.NewReport(plan, doctor.Check(plan)); !r.OK {
		return errors.New(r.Refusal)
	}
	return nil
}
