package trial

import (
	"crypto/tls"
	"time"

	"signalbench/loadgen/internal/adversary"
	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/target"
	"signalbench/loadgen/internal/workload"
	"signalbench/results"
)

// Names of workloads, as in results.Spec.
const (
	Hold            = results.WorkloadHold
	Echo            = results.WorkloadEcho
	EchoClosed      = results.WorkloadEchoClosed
	Churn           = results.WorkloadChurn
	Storm           = results.WorkloadStorm
	Push            = results.WorkloadPush
	Signal          = results.WorkloadSignal
	Broadcast       = results.WorkloadBroadcast
	BroadcastClosed = results.WorkloadBroadcastClosed
	Hongbao         = results.WorkloadHongbao
)

// A Plan is everything that a run is to do. The caller has checked it; see
// [Plan.Check].
type Plan struct {
	Command []string // argv, for the record
	Label   string
	Target  *target.Target
	TLS     *tls.Config // for wss

	Workloads []string // in order
	Conns     int
	Plateaus  int
	Ramp      pace.Rate // pace.Max: as fast as the dial window allows
	Pending   int       // all lanes together
	FirstEcho bool
	Lanes     int // event loops that dial at once
	Groups    int // of Lanes event loops each; over 1, each loop has a descriptor table of its own
	Payload   int // bytes
	Binary    bool
	// Proto is what is spoken above WebSocket; nil for nothing. With it connections
	// join after their upgrade, and FirstEcho says nothing.
	Proto *channel.Protocol
	// Subscribe says that connections subscribe to channels by their path: nothing that
	// they send is answered, and what reaches them is published through Admin.
	Subscribe bool
	Rate      pace.Rate // echo, push, hongbao, and broadcast in an open loop
	InFlight  int       // echo-closed, and broadcast in a closed loop, if it has no Rate
	// Publishers is how many members of each room publish in workload broadcast.
	Publishers int
	Lifetimes  workload.Lifetimes
	// Swarm is how many peers a swarm of workload signal has, Contacts how many of
	// them a joiner signals to; Rate is that of the messages they relay.
	Swarm, Contacts int
	// Candidates is how many follow each offer and each answer, and Trickle how long
	// after it, and after each other, they are due.
	Candidates int
	Trickle    time.Duration

	// Hold: each connection is asked for a sign of life once in Heartbeat (0:
	// never) and answers within HeartbeatTimeout. Every Probe (0: never) one
	// connection of all echoes a message, or gets one if connections Subscribe. One that
	// hears nothing for Silence (0: for ever) is ended.
	Heartbeat, HeartbeatTimeout, Probe, Silence time.Duration
	// Storm: what ends all connections, one of results.StormReset, StormSilence and
	// StormRestart, which asks RestartURL for it; how clients wait before they dial
	// again, one storm for each; and the longest time until all are lost, and from
	// then on until all are back.
	Storm      string
	RestartURL string
	Backoffs   []workload.Backoff
	StormLimit time.Duration

	// Adversaries are bad clients: each workload runs once without and once beside
	// them.
	Adversaries []adversary.Demand

	// CloseRate is how many closing handshakes begin in a second at the end; 0
	// leaves the choice to the teardown.
	CloseRate pace.Rate

	// Yardstick measures bare connect and accept before the ramp, and bare fan-out
	// before and after workload broadcast; the target is on loopback then.
	Yardstick bool

	Settle, WarmUp, Window, Drain, DialTimeout time.Duration

	ServerPID int    // 0: not known
	Admin     string // URL; empty: none
	Out       string // the folder to write
}

// greets reports whether a connection sends something once it is upgraded.
func (p *Plan) greets() bool { return p.FirstEcho || p.Proto != nil || p.envelopes() }

// dialled is the metrics of a dial. The first is what it takes as a whole.
func (p *Plan) dialled() []record.Metric {
	timed := []record.Metric{record.Dial, record.Connect}
	if p.Target.TLS {
		timed = append(timed, record.TLS)
	}
	if p.Target.Raw {
		return timed // to be established is all
	}
	return append(timed, record.Upgrade)
}

// greeting is the metric of that.
func (p *Plan) greeting() record.Metric {
	if p.Proto != nil || p.envelopes() {
		return record.Join
	}
	return record.FirstEcho
}

// rooms is how many rooms there are.
func (p *Plan) rooms() int {
	if p.signals() {
		return p.swarms().Total
	}
	return int(min(p.Proto.Rooms, uint32(p.Conns)))
}

// loops is how many event loops there are.
func (p *Plan) loops() int { return p.Lanes * p.Groups }

// block is the range of connections that group k has: they are dialled group
// after group, so that few loops work at a time, each with much to do.
func (p *Plan) block(k int) (first, end int) {
	n, chunk := p.stretches()
	return min(p.Conns, n*k/p.Groups*chunk), min(p.Conns, n*(k+1)/p.Groups*chunk)
}

// Stretches is how many stretches of connections there are that cannot be divided
// among lanes.
func (p *Plan) Stretches() int {
	n, _ := p.stretches()
	return n
}

// Spare is by how many connections one event loop may have more than another at most,
// and those that it has to the admin listener.
func (p *Plan) Spare() int {
	_, length := p.stretches()
	return 2*(length-1) + p.lines() // of a group, and of a loop in it
}

// stretches is how many stretches of connections there are that are of one lane, and
// how long they are: swarms, or single connections.
func (p *Plan) stretches() (n, length int) {
	length = 1
	if p.signals() {
		length = max(1, p.Swarm)
	}
	return (p.Conns + length - 1) / length, length
}

// lane is lane i's part of a block: it has every Lanes-th stretch of it.
func (p *Plan) lane(i int) (first, conns, chunk int) {
	first, end := p.block(i / p.Lanes)
	_, chunk = p.stretches()
	first += i % p.Lanes * chunk
	for at := first; at < end; at += p.Lanes * chunk {
		conns += min(chunk, end-at)
	}
	return first, conns, chunk
}

// A Snapshot is the state of a run, once a second.
type Snapshot struct {
	Elapsed time.Duration
	Phase   string
	Conns   int // asked for

	Connected, Pending int
	Failed             uint64  // dials and operations that failed, and connections lost, so far
	Sent, Received     float64 // messages per second
	Upgraded           float64 // upgrades per second
	Asked, Answered    uint64  // heartbeats of this phase, so far
	P50, P99           time.Duration
	Latency            time.Duration // of the last probe, if one was answered since the last time; else 0
	Metric             string        // what P50 and P99 are of; empty: nothing was timed
	Remark             string        // what a person should know now, told once; mostly empty
}

// An Observer is told how a run goes on. Calls come from one goroutine and must
// not take long.
type Observer interface{ Tick(Snapshot) }
