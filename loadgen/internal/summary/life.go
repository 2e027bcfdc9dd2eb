package summary

import (
	"fmt"
	"strings"
	"time"

	"signalbench/results"
)

// life tells whether connections that were held lived, and how they ended.
func life(b *strings.Builder, run *results.Run) {
	before := b.Len()
	for _, p := range run.Phases {
		if p.Workload == "hold" && p.Model == results.OpenLoop && p.Ops.Scheduled > 0 {
			answers(b, p, "heartbeats", &p.Ops, results.MetricResponse)
		}
		if p.Probes.Scheduled > 0 {
			answers(b, p, "probes", &p.Probes, results.MetricProbe)
		}
		if c := p.Closing; c != nil && c.Begun > 0 {
			fmt.Fprintf(b, "%s: %d connections closed in %v, %d reset", p.Name, c.Begun-min(c.Reset, c.Begun), p.Length.Round(time.Millisecond), c.Reset)
			if c.OrphansPeak >= 0 {
				fmt.Fprintf(b, "; at most %d orphans of %d, %d in TIME_WAIT", c.OrphansPeak, c.OrphansMax, c.TimeWaitPeak)
			}
			if c.Held > 0 {
				fmt.Fprintf(b, "; held back for %v", c.Held)
			}
			b.WriteByte('\n')
		}
	}
	if p := run.Pings; p != nil {
		fmt.Fprintf(b, "empty messages of the server's own: %d sent, %d came\n", p.Sent, p.Received)
	}
	if b.Len() > before {
		b.WriteByte('\n')
	}
}

func answers(b *strings.Builder, p results.Phase, what string, o *results.Ops, metric string) {
	fmt.Fprintf(b, "%s: %d %s, %d answered", p.Name, o.Scheduled, what, o.Completed)
	if m, ok := p.Metric(metric); ok && m.Count > 0 {
		fmt.Fprintf(b, " (p50 %v, p99 %v, max %v)", short(m.P50), short(m.P99), short(m.Max))
	}
	fmt.Fprintf(b, ", %d failed, %d not sent\n", o.Failed, o.Dropped)
	causes(b, p.Name, what, o.Causes)
}
