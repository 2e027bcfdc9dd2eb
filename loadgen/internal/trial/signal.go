package trial

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"signalbench/loadgen/internal/channel"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/workload"
	"signalbench/results"
)

const (
	// leastStay is how long a peer must be in its swarm from one session to its next:
	// a server may gather news of who has come and gone for some time, and a peer that
	// leaves meanwhile is told of to nobody.
	leastStay = 200 * time.Millisecond
)

// signals reports whether peers signal to one another.
func (p *Plan) signals() bool { return slices.Contains(p.Workloads, Signal) }

// swarms is what workload signal does.
func (p *Plan) swarms() workload.Swarms {
	n, _ := p.stretches()
	return workload.Swarms{Size: p.Swarm, Total: n, Contacts: p.Contacts, Candidates: p.Candidates, Trickle: p.Trickle}
}

// sessions is how many sessions make up the rate of relayed messages.
func (p *Plan) sessions() pace.Rate {
	return p.Rate / pace.Rate(p.swarms().Relays())
}

// proto is what connections speak. If peers signal and no push is to be answered, they
// join so from the ramp on.
func (p *Plan) proto() *channel.Protocol {
	answered := slices.Contains(p.Workloads, Echo) || slices.Contains(p.Workloads, EchoClosed) || p.Probe > 0
	if !p.signals() || answered {
		return p.Proto
	}
	quiet := *p.Proto
	quiet.Join = channel.Quiet(quiet.Join)
	return &quiet
}

// checkSignal reports what is wrong with workload signal.
func (p *Plan) checkSignal() error {
	if !p.signals() {
		return nil
	}
	switch {
	case p.Proto == nil:
		return errors.New("workload signal needs --proto phoenix")
	case p.Rate <= 0:
		return errors.New("workload signal needs --rate, the relayed messages per second, for example --rate 20000/s")
	case p.Swarm < 2:
		return fmt.Errorf("--swarm %d: a swarm has two peers at least", p.Swarm)
	case p.Conns < p.Swarm:
		return fmt.Errorf("--swarm %d is more than there are connections (--conns %d)", p.Swarm, p.Conns)
	case p.Contacts < 1 || p.Contacts >= p.Swarm:
		return fmt.Errorf("--contacts %d: a peer of a swarm of %d has from 1 to %d others to signal to", p.Contacts, p.Swarm, p.Swarm-1)
	case p.Contacts > workload.MaxContacts:
		return fmt.Errorf("--contacts %d is over %d", p.Contacts, workload.MaxContacts)
	case p.Candidates < 0 || p.Candidates > workload.MaxCandidates:
		return fmt.Errorf("--candidates %d: from 0 to %d follow an offer or an answer", p.Candidates, workload.MaxCandidates)
	}
	if n, _ := p.stretches(); p.Lanes > n || p.Groups > n/p.Lanes && p.Groups > 1 {
		return fmt.Errorf("%d event loops are too many for %d swarms: all peers of a swarm are in one of them (--lanes, --swarm)", p.loops(), n)
	}
	if stay := time.Duration(float64(p.Conns) / float64(p.sessions()) * float64(time.Second)); stay < leastStay {
		return fmt.Errorf("--rate %v lets each of %d peers begin a session every %v, and it is told of to nobody in less than %v: more connections, more --contacts or a lower rate",
			p.Rate, p.Conns, stay.Round(time.Millisecond), leastStay)
	}
	if p.Trickle < 0 {
		return fmt.Errorf("--trickle %v is negative", p.Trickle)
	}
	// Contacts are those who leave last: what is sent to them must have come by then.
	left := time.Duration(float64(p.Conns) / float64(p.sessions()) * float64(time.Second) * float64(p.Swarm-p.Contacts) / float64(p.Swarm))
	if takes := time.Duration(p.Candidates)*p.Trickle + leastStay; p.Trickle > 0 && left < takes {
		return fmt.Errorf("--trickle %v: the %d candidates take %v and a contact may leave its swarm after %v: a shorter --trickle, more connections or a lower rate",
			p.Trickle, p.Candidates, time.Duration(p.Candidates)*p.Trickle, left.Round(time.Millisecond))
	}
	at := slices.Index(p.Workloads, Signal)
	for i, w := range p.Workloads {
		if i > at && (w == Echo || w == EchoClosed || w == Hold && p.Probe > 0) {
			return fmt.Errorf("workload %s cannot come after signal, whose peers ask the server for no replies: name it before", w)
		}
	}
	return channel.CheckMarked(p.Proto.Join)
}

// signal is what c does in a load of sessions.
func (r *runner) signal(c *crew, stamps *stamp.Layout, span workload.Span, shards workload.Shards) workload.Stage {
	p := r.plan
	var before pace.Schedule = pace.Burst{}
	if p.WarmUp > 0 {
		before = pace.Constant{Rate: p.sessions(), Length: p.WarmUp}
	}
	return workload.NewSignal(c.Lane, c.delivery, c.client, stamps, c.peers, p.Proto.Join, p.swarms(), span, shards, before, pace.Constant{Rate: p.sessions(), Length: p.Window})
}

// refTag and relayTag tell a run's stamps from those of another, and those in refs
// from those in payloads.
func refTag(started time.Time) byte   { return byte(started.UnixNano()) }
func relayTag(started time.Time) byte { return refTag(started) + 1 }

// signalled are the metrics of sessions.
func signalled() []record.Metric {
	return []record.Metric{record.Relay, record.Answer, record.Join, record.Presence, record.Response, record.Service, record.Lag}
}

// sessionsOf is what a phase of sessions says of itself.
func (p *Plan) sessionsOf() *results.Signal {
	s := p.swarms()
	return &results.Signal{Swarms: s.Total, Size: s.Size, Contacts: s.Contacts, Candidates: s.Candidates, Trickle: s.Trickle}
}

// closeSignal puts what was counted into a phase.
func (p *phase) closeSignal() {
	if p.Signal == nil {
		return
	}
	s, counted := p.Signal, &p.total.Signal
	s.Joins, s.Relays, s.Notices, s.Answers, s.Told = counted.Joins, counted.Relays, counted.Notices, counted.Answers, counted.Told
	if length := p.Length.Seconds(); length > 0 {
		// A session that was due before the window may be completed in it, as one of
		// the window may be behind its end.
		p.Achieved = float64(min(p.total.OnTime, p.Ops.Completed)) / length
	}
}
