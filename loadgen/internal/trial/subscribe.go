package trial

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"signalbench/loadgen/internal/adminapi"
	"signalbench/loadgen/internal/publish"
	"signalbench/loadgen/internal/stamp"
	"signalbench/results"
)

// Subscribes is what Spec.Proto says where connections subscribe to channels by their
// path: nothing that they send is answered.
const Subscribes = "channel"

// publishes reports whether messages reach connections through the admin listener.
func (p *Plan) publishes() bool {
	return slices.Contains(p.Workloads, Push) || p.Subscribe && p.Probe > 0 && slices.Contains(p.Workloads, Hold)
}

// lines is how many connections to the admin listener each lane has.
func (p *Plan) lines() int {
	if p.publishes() {
		return publish.Lines
	}
	return 0
}

// checkSubscribe says in one sentence what cannot be done with channels.
func (p *Plan) checkSubscribe() error {
	if !p.Subscribe {
		if slices.Contains(p.Workloads, Push) {
			return errors.New("workload push needs --proto channel: connections subscribe to channels by their path, for example --url ws://HOST:PORT/channel/{i}")
		}
		return nil
	}
	if p.FirstEcho {
		return errors.New("--first-echo with --proto channel: what a subscriber sends is not answered")
	}
	if p.Proto != nil {
		return errors.New("connections speak Phoenix Channels or subscribe by their path, not both")
	}
	for _, w := range p.Workloads {
		if !slices.Contains([]string{Hold, Push, Churn, Storm}, w) {
			return fmt.Errorf("workload %s with --proto channel: what a subscriber sends is not answered; there are %s", w, list([]string{Hold, Push, Churn, Storm}))
		}
	}
	if !p.publishes() {
		return nil
	}
	switch {
	case p.Admin == "":
		return errors.New("what is published goes through the server's admin listener: name it with --admin URL")
	case slices.Contains(p.Workloads, Push) && p.Rate <= 0:
		return errors.New("workload push needs --rate, messages published per second to all connections together, for example --rate 1000/s")
	case p.Payload < stamp.HeaderSize:
		return fmt.Errorf("--payload: a message that is published holds the times at which it was due and sent, which take %d B", stamp.HeaderSize)
	}
	return p.Target.CheckChannels()
}

// dialLines connects the lanes to the admin listener.
func (r *runner) dialLines() error {
	if !r.plan.publishes() {
		return nil
	}
	err := r.fleet.each(func(c *crew) { c.publisher.Dial() })
	through := false
	ready := func() (bool, error) {
		var err error
		through, err = r.fleet.all(func(c *crew) bool { return c.publisher.Ready() })
		return through, err
	}
	if err == nil {
		err = r.waitFor(r.now()+r.plan.DialTimeout, ready, r.fleet.through)
	}
	if err == nil && !through {
		err = fmt.Errorf("the admin listener %s did not take %d connections within %v", r.plan.Admin, r.plan.loops()*publish.Lines, r.plan.DialTimeout)
	}
	return err
}

// pingPatience is how long what the server has sent may be on its way.
const pingPatience = 2 * time.Second

// sentPings is how many empty messages the server says it has sent; ok is false if it
// does not say, or has other subscribers than these.
func (r *runner) sentPings(subscribers int64) (sent uint64, ok bool) {
	admin := adminapi.New(r.plan.Admin)
	defer admin.Close()
	s, err := admin.Stats(r.ctx)
	if err != nil || s.Service == nil || s.Service.Channels.Subscribers != subscribers {
		return 0, false
	}
	return s.Service.Channels.Pings, true
}

// comparesPings reports whether what the server sends by itself can be compared with
// what comes: connections stay from the first to the last workload.
func (p *Plan) comparesPings() bool {
	ends := func(w string) bool { return w != Hold && w != Push }
	return p.Subscribe && p.Admin != "" && !slices.ContainsFunc(p.Workloads, ends)
}

// pingsBefore is how many empty messages the server sent before the first connection;
// ok is false if there is nothing to compare that with.
func (r *runner) pingsBefore() (base uint64, ok bool, err error) {
	if !r.plan.comparesPings() {
		return 0, false, nil
	}
	// The server may not have noticed yet that the preflight's connections ended.
	for limit := r.now() + pingPatience; !ok && r.now() < limit && err == nil; {
		if base, ok = r.sentPings(0); !ok {
			err = r.until(r.now() + pingPatience/20)
		}
	}
	return base, ok, err
}

// comparePings notes what the server has sent by itself since base and what came.
func (r *runner) comparePings(base uint64) error {
	if err := r.collect(); err != nil {
		return err
	}
	open := int64(r.gauges.connected)
	sent, ok := r.sentPings(open)
	if !ok {
		r.find(results.Note, results.CheckPings, "", "the server does not say how many empty messages it sent to these subscribers alone: they are not compared with what came")
		return nil
	}
	p := &results.Pings{Sent: sent - base}
	for limit := r.now() + pingPatience; ; {
		p.Received = 0
		if err := r.fleet.each(func(c *crew) { p.Received += c.delivery.Pings() }); err != nil {
			return err
		}
		if p.Received >= p.Sent || r.now() >= limit {
			break
		}
		if err := r.until(r.now() + pingPatience/20); err != nil {
			return err
		}
	}
	if p.SentMost, ok = r.sentPings(open); ok {
		p.SentMost -= base
		r.result.Pings = p
	}
	return nil
}
