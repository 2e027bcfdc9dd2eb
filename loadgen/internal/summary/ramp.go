package summary

import (
	"fmt"
	"strings"

	"signalbench/results"
)

// ramp says how the upgrades of a run in folder dir stand to bare connect and
// accept, and what they took with few and with all connections held.
func ramp(b *strings.Builder, run *results.Run, dir string) {
	before := b.Len()
	for _, p := range run.Phases {
		if p.Kind != results.Ramp || p.Length <= 0 {
			continue
		}
		if y := run.Yardstick; y != nil && y.Connects > 0 {
			rate := float64(p.Dials.Upgraded) / p.Length.Seconds()
			fmt.Fprintf(b, "%s %.0f upgrades/s = %.2f of bare connect + accept (%.0f/s, same run)\n", p.Name, rate, rate/y.Connects, y.Connects)
		}
		m, ok := p.Metric(results.MetricUpgrade)
		if !ok || m.File == "" {
			continue
		}
		intervals, err := results.OpenIntervals(dir, m.File)
		if err != nil {
			continue // the run itself says what is wrong with it
		}
		if held := results.ByHeld(intervals, 1); held != nil {
			first, last := held[0].Histogram, held[len(held)-1].Histogram
			fmt.Fprintf(b, "%s upgrade p99 %v over the first %d connections, %v over the last %d (p50 %v, %v)\n", p.Name,
				short(first.Quantile(0.99)), first.Count(), short(last.Quantile(0.99)), last.Count(), short(first.Quantile(0.5)), short(last.Quantile(0.5)))
		}
	}
	if b.Len() > before {
		b.WriteByte('\n')
	}
}
