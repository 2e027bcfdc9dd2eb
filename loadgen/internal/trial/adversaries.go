package trial

import (
	"maps"
	"time"

	"signalbench/loadgen/internal/adversary"
	"signalbench/results"
	"signalbench/server/phoenix"
)

// besetSuffix is what the phases of a workload beside adversaries have in their
// names.
const besetSuffix = "+adversaries"

// besetPatience is how long adversaries are waited for before a workload begins.
const besetPatience = 5 * time.Second

// both runs a workload, and then once more beside adversaries if the plan has any:
// what they cost is a ratio within one run.
func (r *runner) both(w string, names map[string]int) error {
	again := maps.Clone(names)
	if err := r.workload(w, names, ""); err != nil || len(r.plan.Adversaries) == 0 {
		return err
	}
	crowd := adversary.Start(r.ctx, r.adversaries())
	r.crowd = crowd
	defer func() {
		crowd.Stop()
		r.crowd = nil
	}()
	go func() { <-crowd.Tried(); r.fleet.poke() }()
	tried := func() (bool, error) {
		select {
		case <-crowd.Tried():
			return true, nil
		default:
			return false, nil
		}
	}
	r.current = "adversaries"
	if err := r.waitFor(r.now()+besetPatience, tried, r.fleet.through); err != nil {
		return err
	}
	if err := r.workload(w, again, besetSuffix); err != nil {
		return err
	}
	crowd.Stop()
	// The server gets time to see that they are gone.
	return r.until(r.now() + r.plan.Settle)
}

// adversaries is what adversaries are told.
func (r *runner) adversaries() adversary.Options {
	p := r.plan
	o := adversary.Options{
		Demands: p.Adversaries, Target: p.Target, TLS: p.TLS, DialTimeout: p.DialTimeout,
		MaxMessage: adversary.DefaultMaxMessage, Word: []byte("one byte at a time"),
	}
	if most, ok := r.sampler.Target().Config["max-message"].(float64); ok && most >= 1 {
		o.MaxMessage = int(most)
	}
	if p.Proto != nil {
		ref := []byte("1")
		beat := phoenix.Message{Ref: ref, Topic: []byte(phoenix.HeartbeatTopic), Event: []byte(phoenix.Heartbeat), Payload: []byte("{}")}
		o.Word = phoenix.Append(nil, p.Proto.Version, &beat)
		o.Hello = func(i int) []byte {
			m := phoenix.Message{JoinRef: ref, Ref: ref, Topic: p.Proto.AppendTopic(nil, uint32(i)), Event: []byte(phoenix.Join), Payload: p.Proto.Join}
			return phoenix.Append(nil, p.Proto.Version, &m)
		}
	}
	return o
}

// beset is what a run says it has asked for.
func (p *Plan) beset() []results.Adversary {
	var all []results.Adversary
	for _, d := range p.Adversaries {
		all = append(all, results.Adversary{Kind: d.Kind, Count: d.Count})
	}
	return all
}
