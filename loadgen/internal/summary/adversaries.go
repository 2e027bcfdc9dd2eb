package summary

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"signalbench/results"
)

// adversaries sets what healthy connections saw beside bad ones against what they
// saw without, in the same run, and tells what became of the bad ones.
func adversaries(b *strings.Builder, run *results.Run) {
	t := newTable(b, "beside adversaries", "without", "with", "ratio")
	rows := 0
	for _, p := range run.Phases {
		without, ok := plain(run, &p)
		if !ok {
			continue
		}
		add := func(what string, a, b any, ratio float64) {
			rows++
			t.AppendRow(table.Row{without.Name + " " + what, a, b, fmt.Sprintf("%.2f", ratio)})
		}
		for _, m := range p.Metrics {
			before, ok := without.Metric(m.Name)
			if !ok || m.Count == 0 || before.P50 <= 0 || m.Name == results.MetricLag {
				continue
			}
			add(m.Name+" p50", short(before.P50), short(m.P50), float64(m.P50)/float64(before.P50))
			add(m.Name+" p99", short(before.P99), short(m.P99), float64(m.P99)/float64(before.P99))
		}
		if s, w := p.Server, without.Server; s.Known && w.Known && w.PeakRSS > 0 {
			add("server's peak RSS", mebibytes(w.PeakRSS), mebibytes(s.PeakRSS), float64(s.PeakRSS)/float64(w.PeakRSS))
		}
	}
	if rows > 0 {
		t.Render()
	}
	before := b.Len()
	for _, p := range run.Phases {
		for _, a := range p.Adversaries {
			fmt.Fprintf(b, "%s: %d %s: connected %d times, ended or refused %d times%s, sent %s\n", p.Name, a.Count, a.Kind, a.Opened, a.Ended, ends(a.Causes), mebibytes(a.Sent))
		}
	}
	if rows > 0 || b.Len() > before {
		b.WriteByte('\n')
	}
}

// plain is the phase of the same workload without adversaries, if p is one beside
// them.
func plain(run *results.Run, p *results.Phase) (*results.Phase, bool) {
	if len(p.Adversaries) == 0 {
		return nil, false
	}
	name := strings.Replace(p.Name, "+adversaries/", "/", 1)
	for i := range run.Phases {
		if q := &run.Phases[i]; q.Name == name && len(q.Adversaries) == 0 {
			return q, true
		}
	}
	return nil, false
}

// ends lists how they ended, the most frequent first.
func ends(count map[results.Cause]uint64) string {
	list := slices.SortedFunc(maps.Keys(count), func(x, y results.Cause) int {
		return cmp.Or(cmp.Compare(count[y], count[x]), cmp.Compare(x, y))
	})
	var parts []string
	for _, why := range list {
		parts = append(parts, fmt.Sprintf("%s: %d", why, count[why]))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func mebibytes(n uint64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
