package trial

import (
	"fmt"
	"slices"
	"strings"

	"signalbench/loadgen/internal/adversary"
	"signalbench/loadgen/internal/stamp"
	"signalbench/results"
)

// workloads are those that a plan may name.
var workloads = []string{Hold, Echo, EchoClosed, Churn, Storm, Broadcast, BroadcastClosed, Signal, Push, Hongbao}

// list names things for people.
func list(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// Check reports the first thing in the plan that cannot be done, in one
// sentence for the user.
func (p *Plan) Check() error {
	bad := func(cond bool, format string, a ...any) error {
		if cond {
			return fmt.Errorf(format, a...)
		}
		return nil
	}
	if len(p.Workloads) == 0 {
		return fmt.Errorf("no workload: name one or several of %s", list(workloads))
	}
	for _, w := range p.Workloads {
		if !slices.Contains(workloads, w) {
			return fmt.Errorf("unknown workload %q: there are %s", w, list(workloads))
		}
	}
	echoes := slices.Contains(p.Workloads, Echo) || slices.Contains(p.Workloads, EchoClosed) || p.FirstEcho
	if echoes && p.Proto == nil {
		if _, err := stamp.New(p.Payload, 0); err != nil {
			return fmt.Errorf("--payload: %w", err)
		}
	}
	if err := p.checkRaw(); err != nil {
		return err
	}
	if p.Proto != nil {
		if err := p.Proto.Check(); err != nil {
			return err
		}
	}
	for _, err := range []error{
		bad(p.Conns < 1, "--conns %d: there must be at least one connection", p.Conns),
		bad(p.Conns > stamp.MaxSeq, "--conns %d is over %d", p.Conns, stamp.MaxSeq),
		bad(p.Plateaus < 1 || p.Plateaus > p.Conns, "--plateaus %d: there must be from 1 to --conns (%d) plateaus", p.Plateaus, p.Conns),
		bad(p.Ramp < 0, "--ramp %v is not above zero", p.Ramp),
		bad(p.Pending < 1, "--pending %d: at least one dial must be allowed at once", p.Pending),
		bad(p.Lanes < 1, "--lanes %d: there must be at least one", p.Lanes),
		bad(p.Groups < 1 || p.Lanes >= 1 && p.Groups > p.Conns/p.Lanes && p.Groups > 1, "%d groups of %d lanes are too many for %d connections", p.Groups, p.Lanes, p.Conns),
		bad(p.Pending < p.Lanes, "--pending %d is less than one for each of %d lanes", p.Pending, p.Lanes),
		bad(slices.Contains(p.Workloads, Echo) && p.Rate <= 0, "workload echo needs --rate, for example --rate 20000/s (or --in-flight N for a closed loop)"),
		bad(slices.Contains(p.Workloads, EchoClosed) && p.InFlight < 1, "workload echo-closed needs --in-flight, the number of messages to keep outstanding"),
		bad(slices.Contains(p.Workloads, EchoClosed) && p.Proto == nil && p.Payload < stamp.HeaderSize && p.InFlight > p.Conns,
			"--in-flight %d over %d connections needs a payload of %d B or more: a smaller one allows one outstanding message for each connection", p.InFlight, p.Conns, stamp.HeaderSize),
		bad(slices.Contains(p.Workloads, Churn) && p.Lifetimes.Mean <= 0, "workload churn needs --lifetime, how long a connection lives"),
		bad(p.Heartbeat < 0, "--heartbeat %v is negative", p.Heartbeat),
		bad(p.Heartbeat > 0 && p.HeartbeatTimeout <= 0, "--heartbeat-timeout %v is not above zero", p.HeartbeatTimeout),
		bad(p.Heartbeat > 0 && p.HeartbeatTimeout > results.HighestValue, "--heartbeat-timeout %v is longer than the %v that times are kept up to", p.HeartbeatTimeout, results.HighestValue),
		bad(p.Probe < 0, "--probe %v is negative", p.Probe),
		bad(p.Silence < 0, "--silence %v is negative", p.Silence),
		bad(p.CloseRate < 0, "--close-rate %v is not above zero", p.CloseRate),
		bad(p.Window <= 0, "--duration %v is not above zero", p.Window),
		bad(p.WarmUp < 0, "--warmup %v is negative", p.WarmUp),
		bad(p.Settle < 0, "--settle %v is negative", p.Settle),
		bad(p.Drain <= 0, "--drain %v is not above zero", p.Drain),
		bad(p.DialTimeout <= 0, "--dial-timeout %v is not above zero", p.DialTimeout),
		bad(p.Yardstick && !p.Target.Loopback(), "--yardstick measures the loopback of this machine, and the target is not on it"),
		bad(p.Target.TLS && p.TLS == nil, "no TLS configuration for a wss URL"),
		p.checkStorm(),
		p.checkSignal(),
		p.checkSubscribe(),
		adversary.Check(p.Adversaries),
		p.checkBroadcast(),
		p.checkHongbao(),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}
