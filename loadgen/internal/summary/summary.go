// Package summary writes a finished run for a person at a terminal: phases with
// counts and percentiles, what a connection costs in memory, findings, verdict.
// It reads a results.Run and its folder, and knows nothing else.
package summary

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"signalbench/results"
)

// Write writes the summary of a run that is in folder dir. Errors of w are
// ignored: the run itself is safe.
func Write(w io.Writer, run *results.Run, dir string) {
	var b strings.Builder
	phases(&b, run)
	life(&b, run)
	storms(&b, run)
	fanout(&b, run)
	signal(&b, run)
	hongbao(&b, run)
	metrics(&b, run)
	adversaries(&b, run)
	ramp(&b, run, dir)
	memory(&b, run.Ledger)
	pauses(&b, run)
	for _, f := range run.Findings {
		where := ""
		if f.Phase != "" {
			where = " [" + f.Phase + "]"
		}
		fmt.Fprintf(&b, "%s: %s%s: %s\n", f.Severity, f.Check, where, f.Text)
	}
	fmt.Fprintf(&b, "verdict: %s\nresults: %s\n", run.Verdict, dir)
	_, _ = io.WriteString(w, b.String())
}

func newTable(b *strings.Builder, header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(b)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.AppendHeader(header)
	var right []table.ColumnConfig
	for i := 2; i <= len(header); i++ {
		right = append(right, table.ColumnConfig{Number: i, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	return t
}

func phases(b *strings.Builder, run *results.Run) {
	t := newTable(b, "phase", "length", "upgraded", "dials failed", "lost", "messages", "completed", "failed", "dropped", "per second")
	for _, p := range run.Phases {
		t.AppendRow(table.Row{
			p.Name, p.Length.Round(time.Millisecond), p.Dials.Upgraded, p.Dials.Failed + p.Dials.Dropped, p.Dials.Lost,
			p.Ops.Scheduled, p.Ops.Completed, p.Ops.Failed, p.Ops.Dropped, fmt.Sprintf("%.0f", p.Achieved),
		})
	}
	t.Render()
	for _, p := range run.Phases {
		if p.Workload != "hold" {
			causes(b, p.Name, operations(&p), p.Ops.Causes)
		}
		causes(b, p.Name, "connections", p.Dials.Causes)
	}
	b.WriteByte('\n')
}

// operations is what a phase counts.
func operations(p *results.Phase) string {
	switch {
	case p.Signal != nil:
		return "sessions"
	case p.Hongbao != nil:
		return "shakes"
	}
	return "messages"
}

// causes lists what went wrong, the most frequent first.
func causes(b *strings.Builder, phase, what string, count map[results.Cause]uint64) {
	list := slices.SortedFunc(maps.Keys(count), func(x, y results.Cause) int {
		return cmp.Or(cmp.Compare(count[y], count[x]), cmp.Compare(x, y))
	})
	for _, why := range list {
		if n := count[why]; n > 0 {
			fmt.Fprintf(b, "%s: %d %s: %s\n", phase, n, what, why)
		}
	}
}

func metrics(b *strings.Builder, run *results.Run) {
	t := newTable(b, "time", "count", "p50", "p90", "p99", "p99.9", "p99.99", "max")
	rows := 0
	for _, p := range run.Phases {
		if p.Kind != results.Ramp && p.Kind != results.Window {
			continue
		}
		for _, m := range p.Metrics {
			if m.Count == 0 {
				continue
			}
			rows++
			t.AppendRow(table.Row{p.Name + " " + m.Name, m.Count, short(m.P50), short(m.P90), short(m.P99), short(m.P999), short(m.P9999), short(m.Max)})
		}
	}
	if rows > 0 {
		t.Render()
		b.WriteByte('\n')
	}
}

func memory(b *strings.Builder, l *results.Ledger) {
	if l == nil || len(l.Slopes) == 0 {
		return
	}
	t := newTable(b, "per connection, settled", "value", "95 % interval", "fixed")
	rows := 0
	for _, s := range l.Slopes {
		if s.Kind != results.Settled {
			continue
		}
		interval := "-"
		if s.HasInterval {
			interval = fmt.Sprintf("%.1f to %.1f", s.Low, s.High)
		}
		unit := s.Unit
		if unit == "1" {
			unit = ""
		}
		fixed := fmt.Sprintf("%.0f", s.Fixed)
		if unit == "B" {
			fixed = fmt.Sprintf("%.1f KiB", s.Fixed/1024)
		}
		rows++
		t.AppendRow(table.Row{s.Item, strings.TrimSpace(fmt.Sprintf("%.1f %s", s.PerConn, unit)), interval, fixed})
	}
	if rows > 0 {
		t.Render()
		b.WriteByte('\n')
	}
}

// short keeps three digits.
func short(d time.Duration) time.Duration {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= unit {
			return d.Round(unit / 100)
		}
	}
	return d
}
