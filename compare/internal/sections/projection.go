package sections

import (
	"fmt"
	"math"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Projection says what the plateaus lead to expect beyond what was measured.
func Projection(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "projection", Title: "Projection, not measured",
		Intro: "What the slope over the plateaus leads to expect: how many idle connections this machine would hold with both ends on it, and how much memory ten million need. " +
			"In brackets the ends of the 95 % intervals of all parts added up.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "measured", Unit: "conns"}, {Head: "both ends", Unit: "B/conn"}, {Head: "of it a shard's own", Unit: "B/conn"},
			{Head: "room here", Unit: "GiB"}, {Head: "would fit", Unit: "conns, both ends"}, {Head: "10 M need", Unit: "GiB, both ends"}, {Head: "10 M need", Unit: "GiB, server"},
		},
	}
	for _, a := range s.Arms {
		p, ok := a.Project()
		if !ok {
			continue
		}
		t.Add(a.Name, format.Whole(float64(p.Conns)), around(p.PerConn, format.Whole), shardShare(a), gib(p.Room), around(p.Fits, hundreds),
			around(p.Memory(digest.TenMillion), gib), around(p.ServerMemory(digest.TenMillion), gib)).Bad = a.Verdict != results.Valid
	}
	if len(t.Rows) == 0 {
		return nil
	}
	t.Note("Both ends: PSS of the server's and the load generator's processes, the kernel's objects behind sockets, TCP buffers; see the ledger. " +
		"Room is what was available before the first connection. " +
		"Not in it: what the kernel gives back when it must (the artefact in the ledger, files that were read), its own reserves, and messages: this is idle memory alone.")
	return t
}

// shardShare is what the processes themselves take of each connection, and how
// many there are.
func shardShare(a *digest.Arm) string {
	for _, r := range a.Counted() {
		if c, ok := r.Cost(); ok && c.Shards > 0 {
			return fmt.Sprintf("%s (%d processes)", format.Whole(c.Shards), r.Shards())
		}
	}
	return format.Unknown
}

// Checks puts projections beside measured values: of each run from its own lower
// plateaus, and of each arm from s to larger ones, by name.
func Checks(s *digest.Suite, larger ...*digest.Suite) *table.Table {
	t := &table.Table{
		ID: "checks", Title: "Projections checked",
		Intro: "What was projected from fewer connections beside what was measured with more, in bytes per connection, both ends. " +
			"Within a run, the lower plateaus project what was taken from there to the last one; against another run, all that both ends took over their baseline is divided by its connections.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "against", Text: true}, {Head: "projected from", Unit: "conns"}, {Head: "measured at", Unit: "conns"},
			{Head: "projected", Unit: "B/conn"}, {Head: "measured", Unit: "B/conn"}, {Head: "off by"}, {Head: "in the interval", Text: true},
		},
	}
	add := func(name, against string, c digest.Check) {
		in := "no"
		if c.Kept() {
			in = "yes"
		}
		t.Add(name, against, format.Whole(float64(c.From)), format.Whole(float64(c.At)), around(c.Projected, format.Whole), format.Whole(c.Measured),
			fmt.Sprintf("%+.1f %%", 100*c.Off()), in)
	}
	for _, a := range s.Arms {
		for _, r := range a.Counted() {
			if c, ok := r.CheckWithin(); ok {
				add(a.Name, fmt.Sprintf("itself, repetition %d", r.Repetition), c)
			}
		}
		for _, l := range larger {
			if other := l.Arm(a.Name); other != nil {
				if c, ok := a.CheckAgainst(other); ok {
					add(a.Name, l.ID, c)
				}
			}
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

// Objects gives what the kernel held of a connection at the last plateau, object
// by object: counted there, where the ledger has slopes.
func Objects(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "objects", Title: "Kernel objects at the last plateau",
		Intro:   "Of both ends together: how many more of each than before the first connection, divided by the connections, times the size of one. Of the first repetition that counts.",
		Columns: []table.Column{{Head: "Object", Text: true}, {Head: "size", Unit: "B"}},
	}
	type cell struct{ n, bytes string }
	var names []string
	sizes, cells := map[string]float64{}, make([]map[string]cell, len(s.Arms))
	for i, a := range s.Arms {
		t.Columns = append(t.Columns, table.Column{Head: a.Name, Unit: "per conn"}, table.Column{Head: "", Unit: "B/conn"})
		cells[i] = map[string]cell{}
		counted := a.Counted()
		if len(counted) == 0 {
			continue
		}
		for _, o := range counted[0].Objects() {
			if _, known := sizes[o.Name]; !known {
				names = append(names, o.Name)
				sizes[o.Name] = o.Size
			}
			cells[i][o.Name] = cell{format.Count(o.PerConn), format.Whole(o.PerConn * o.Size)}
		}
	}
	for _, n := range names {
		row := []string{n, format.Whole(sizes[n])}
		for i := range s.Arms {
			c, ok := cells[i][n]
			if !ok {
				c = cell{format.Unknown, format.Unknown}
			}
			row = append(row, c.n, c.bytes)
		}
		t.Add(row...)
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

// around writes a value with its interval, if that is more than the value.
func around(i digest.Interval, write func(float64) string) string {
	text := write(i.Mid)
	if i.Low >= i.High {
		return text
	}
	high := write(i.High)
	if math.IsInf(i.High, 0) {
		high = "no bound"
	}
	return text + " (" + write(i.Low) + " … " + high + ")"
}

// hundreds leaves out the digits that no projection carries.
func hundreds(v float64) string { return format.Whole(math.Round(v/100) * 100) }

func gib(v float64) string { return fmt.Sprintf("%.1f", v/(1<<30)) }
