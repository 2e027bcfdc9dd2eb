package main

import (
	"fmt"
	"slices"
	"time"

	"signalbench/compare/internal/orchestrate"
	"signalbench/results"
)

// envelopes changes a profile to what red envelopes need if its workloads have any.
func (p *profile) envelopes(quick bool) {
	if !slices.Contains(p.load.Workloads, results.WorkloadHongbao) {
		return
	}
	p.load.Channels.Proto = "" // a storm beside it has none either
	p.load.Rate = "3000/s"     // the first of the author's three
	p.load.Window = max(p.load.Window, 5*time.Second)
	if quick {
		p.load.Rate, p.load.Window = "1000/s", 2*time.Second
	}
}

// envelopes refuses what cannot be in one run with red envelopes.
func (c *runCommand) envelopes(l *orchestrate.Load) error {
	if !slices.Contains(l.Workloads, results.WorkloadHongbao) {
		return nil
	}
	if w := first(l.Workloads, slices.Concat(meeting, []string{results.WorkloadEcho, results.WorkloadEchoClosed})); w != "" {
		return fmt.Errorf("workloads hongbao and %s in one run: connections to red envelopes carry nothing else; run them apart", w)
	}
	switch {
	case l.Channels.Proto != "":
		return fmt.Errorf("workload hongbao has packets of its own: leave --proto %s out", l.Channels.Proto)
	case l.Probe > 0:
		return fmt.Errorf("--probe %v: red envelopes echo nothing; leave it out", l.Probe)
	case c.URL != "" && !c.SkipConformance:
		return fmt.Errorf("--url with workload hongbao: the conformance kit needs an endpoint that echoes; add --skip-conformance")
	}
	return nil
}
