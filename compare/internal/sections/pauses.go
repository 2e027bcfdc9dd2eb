package sections

import (
	"fmt"
	"math"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/stat"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Pauses gives how both sides' Go runtimes collected and stopped the world. Runs
// that kept no histograms are left out.
func Pauses(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "pauses", Title: "Go runtime: collections and pauses",
		Intro: "Of the whole run, all processes of a side together; pauses merged over the repetitions, the rest medians.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "Side", Text: true}, {Head: "GC cycles"}, {Head: "one every", Unit: "of a process"}, {Head: "GC", Unit: "of its CPU"},
			{Head: "GC pauses"}, {Head: "p50"}, {Head: "p99"}, {Head: "max"}, {Head: "other pauses"}, {Head: "p99"}, {Head: "max"},
		},
	}
	for _, a := range s.Arms {
		name := a.Name
		for _, side := range []struct {
			name string
			of   func(*digest.Run) *results.GCPauses
		}{
			{"server", func(r *digest.Run) *results.GCPauses { return r.Target.GC }},
			{"load generator", func(r *digest.Run) *results.GCPauses { return r.ClientGC }},
		} {
			cells := collections(a, side.of)
			if cells == nil {
				continue
			}
			r := t.Add(append([]string{name, side.name}, cells...)...)
			r.Bad, r.Group = a.Verdict != results.Valid, name != ""
			name = ""
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	t.Note("A pause lasts from the request to stop the world to its start again; its figures are upper bounds of the Go runtime's buckets, which run.json has. Each settled reading of memory forces two cycles and thus pauses of its own. The collector's part of the CPU is the runtime's estimate by the clock, too high where there are more threads than processors.")
	return t
}

// collections are the cells of one side of an arm, nil if it has none.
func collections(a *digest.Arm, of func(*digest.Run) *results.GCPauses) []string {
	var cycles, every, part []float64
	var gc, other []results.Pauses
	for _, r := range a.Counted() {
		g := of(r)
		if g == nil || g.Other == nil {
			continue
		}
		cycles = append(cycles, float64(g.Cycles))
		if i := g.Interval(); i > 0 {
			every = append(every, float64(i))
		}
		if f := g.CPUFraction(); !math.IsNaN(f) {
			part = append(part, f)
		}
		gc, other = append(gc, g.Pauses), append(other, *g.Other)
	}
	p, known := results.MergePauses(gc...)
	o, complete := results.MergePauses(other...)
	if len(gc) == 0 || !known || !complete {
		return nil
	}
	share := format.Unknown
	if len(part) > 0 {
		share = fmt.Sprintf("%.1f %%", 100*stat.Summarize(part).Median)
	}
	cells := []string{value(stat.Summarize(cycles).Median, digest.PerSecond), value(stat.Summarize(every).Median, digest.Nanoseconds), share, whole(p.Count)}
	for _, d := range []float64{float64(p.P50), float64(p.P99), float64(p.Max)} {
		cells = append(cells, pause(p.Count, d))
	}
	return append(cells, whole(o.Count), pause(o.Count, float64(o.P99)), pause(o.Count, float64(o.Max)))
}

// pause is a quantile of n pauses; none has none.
func pause(n uint64, d float64) string {
	if n == 0 {
		return format.Unknown
	}
	return value(d, digest.Nanoseconds)
}
