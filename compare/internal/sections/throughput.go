package sections

import (
	"fmt"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/stat"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Throughput gives rates, CPU per message and pauses of the garbage collector.
func Throughput(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "throughput", Title: "Throughput, CPU and garbage collection",
		Intro: "Medians over the repetitions. The open loop is asked for its rate, so only the closed loop says how much an engine can carry.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "Loop", Text: true}, {Head: "asked", Unit: "msg/s"}, {Head: "achieved", Unit: "msg/s"},
			{Head: "server CPU", Unit: "per msg"}, {Head: "client CPU", Unit: "per msg"},
			{Head: "upgrades", Unit: "per s, ramp max"}, {Head: "GC cycles"}, {Head: "GC pause", Unit: "p99"}, {Head: "GC pause", Unit: "max"},
		},
	}
	upgrades := quantity("ramp.upgrades")
	for _, a := range s.Arms {
		cycles, p99, worst := pauses(a)
		whole := []string{
			median(a, upgrades), value(cycles.Median, digest.PerSecond),
			value(p99.Median, digest.Nanoseconds), value(worst.Max, digest.Nanoseconds),
		}
		name := a.Name
		for _, loop := range []struct {
			part digest.Part
			name string
		}{{digest.EchoPart, "open"}, {digest.ClosedPart, "closed"}} {
			done := a.Summary(digest.Throughput(loop.part))
			if done.N == 0 {
				continue
			}
			asked := format.Unknown
			if loop.part == digest.EchoPart {
				asked = value(offered(a).Median, digest.PerSecond)
			}
			r := t.Add(append([]string{
				name, loop.name, asked, value(done.Median, digest.PerSecond),
				median(a, digest.ServerCPU(loop.part)), median(a, digest.ClientCPU(loop.part)),
			}, whole...)...)
			r.Bad, r.Group = a.Verdict != results.Valid, name != ""
			name, whole = "", []string{"", "", "", ""}
		}
		if name != "" && (a.Summary(upgrades).N > 0 || cycles.N > 0) { // nothing was echoed
			t.Add(append([]string{name, format.Unknown, format.Unknown, format.Unknown, format.Unknown, format.Unknown}, whole...)...).Bad = a.Verdict != results.Valid
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	t.Note("CPU is user and system time of the process divided by completed messages. GC cycles include the two that each settled reading of memory forces; pauses are upper bounds of the Go runtime's buckets.")
	return t
}

// quantity finds a quantity by name.
func quantity(name string) digest.Quantity {
	for _, q := range digest.Quantities() {
		if q.Name == name {
			return q
		}
	}
	panic("sections: no quantity " + name)
}

func offered(a *digest.Arm) stat.Summary {
	var values []float64
	for _, r := range a.Counted() {
		if t, ok := r.Total(digest.EchoPart); ok {
			values = append(values, t.Offered)
		}
	}
	return stat.Summarize(values)
}

func pauses(a *digest.Arm) (cycles, p99, worst stat.Summary) {
	var c, p, w []float64
	for _, r := range a.Counted() {
		if gc := r.Target.GC; gc != nil {
			c = append(c, float64(gc.Cycles))
			p = append(p, float64(gc.P99))
			w = append(w, float64(gc.Max))
		}
	}
	return stat.Summarize(c), stat.Summarize(p), stat.Summarize(w)
}

// Medians gives each quantity's median over the repetitions with its interval.
func Medians(s *digest.Suite) *table.Table {
	if s.Repetitions < 2 {
		return nil
	}
	t := &table.Table{
		ID: "medians", Title: "Medians over the repetitions",
		Intro:   "In round brackets the 95 % confidence interval of the median; in square brackets the range of all repetitions, where they are too few (under 6) for an interval.",
		Columns: []table.Column{{Head: "Quantity", Text: true}, {Head: "Unit", Text: true}},
	}
	for _, a := range s.Arms {
		t.Columns = append(t.Columns, table.Column{Head: a.Name, Unit: fmt.Sprintf("n = %d", len(a.Counted()))})
	}
	for _, q := range digest.Quantities(s) {
		cells, known := []string{q.Head, unitName(q.Unit)}, false
		for _, a := range s.Arms {
			sum := a.Summary(q)
			known = known || sum.N > 0
			cells = append(cells, spread(sum, q.Unit))
		}
		if known {
			t.Add(cells...)
		}
	}
	return t
}

// Against compares each arm with the first, quantity by quantity.
func Against(s *digest.Suite) *table.Table {
	if len(s.Arms) < 2 || s.Repetitions < 2 {
		return nil
	}
	base := s.Arms[0]
	t := &table.Table{
		ID: "against", Title: "Against " + base.Name,
		Intro:   "Change of the median where the Mann-Whitney U test finds one (p < 0.05), otherwise ~ for no significant difference.",
		Columns: []table.Column{{Head: "Quantity", Text: true}, {Head: base.Name}},
	}
	for _, a := range s.Arms[1:] {
		t.Columns = append(t.Columns, table.Column{Head: a.Name}, table.Column{Head: "change"}, table.Column{Head: "p"})
	}
	n := s.Repetitions
	for _, q := range digest.Quantities(s) {
		old := base.Values(q)
		if len(old) == 0 {
			continue
		}
		cells := []string{q.Head + unitSuffix(q.Unit), value(stat.Summarize(old).Median, q.Unit)}
		for _, a := range s.Arms[1:] {
			values := a.Values(q)
			n = min(n, len(a.Counted()))
			if len(values) == 0 {
				cells = append(cells, format.Unknown, format.Unknown, format.Unknown)
				continue
			}
			c := stat.Compare(old, values)
			cells = append(cells, value(c.New.Median, q.Unit), c.Delta(), fmt.Sprintf("%.3f", c.P))
		}
		t.Add(cells...)
	}
	if len(t.Rows) == 0 {
		return nil
	}
	if support := stat.SupportBoth(n, n); support != "" {
		t.Note(support + ".")
	}
	return t
}

func unitSuffix(u digest.Unit) string {
	if name := unitName(u); name != "" {
		return ", " + name
	}
	return ""
}
