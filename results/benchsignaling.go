package results

import (
	"fmt"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// windowName names a window's line by its workload and by what makes it comparable.
func windowName(run *Run, p *Phase) string {
	var pairs []any
	add := func(key string, v any) { pairs = append(pairs, key, v) }
	add("conns", run.Spec.Conns)
	if p.Storm == nil {
		add("payload", run.Spec.Payload)
	}
	if p.Ops.Scheduled > 0 {
		if p.Model == ClosedLoop {
			add("inflight", run.Spec.InFlight)
		} else {
			add("rate", p.Offered)
		}
	}
	if s := p.Signal; s != nil {
		add("swarm", s.Size)
		add("contacts", s.Contacts)
	}
	if f := p.Fanout; f != nil {
		add("rooms", f.Rooms)
		add("receivers", f.Receivers)
	}
	if s := p.Storm; s != nil {
		add("by", oneWord(s.By))
		add("backoff", oneWord(s.Backoff))
	}
	var bad []string
	for _, a := range p.Adversaries {
		bad = append(bad, fmt.Sprintf("%s:%d", oneWord(a.Kind), a.Count))
	}
	add("adversaries", strings.Join(bad, "+"))
	return benchName(p.Workload, pairs...)
}

// signalingValues are the figures of a window that are in none of its metrics.
func signalingValues(p *Phase) []benchfmt.Value {
	var v []benchfmt.Value
	add := func(value float64, unit string) { v = append(v, benchfmt.Value{Value: value, Unit: unit}) }
	server := (p.Server.User + p.Server.System).Seconds()
	if s := p.Signal; s != nil && p.Length > 0 {
		add(float64(s.Relays.Completed)/p.Length.Seconds(), "relays/s")
	}
	if f := p.Fanout; f != nil {
		add(f.PerSecond, "deliveries/s")
		if f.Bare != nil && f.Bare.PerSecond > 0 {
			add(f.PerSecond/f.Bare.PerSecond, "deliveries/bare")
		}
		if p.Server.Known && server > 0 {
			add(float64(f.Deliveries.Completed)/server, "deliveries/server-core-s")
		}
	}
	if s := p.Storm; s != nil {
		if s.Recovery > 0 {
			add(float64(s.Recovery), "all-back-ns")
		}
		add(s.PeakDials, "peak-dials/s")
		add(s.PeakBack, "peak-back/s")
		add(float64(sumCauses(s.Failures)), "failed-attempts")
	}
	return v
}
