package sections

import (
	"fmt"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// MemoryViews is the memory of a connection as each kind of publication counts it; nil
// for a suite that repeats nobody's.
func MemoryViews(s *digest.Suite) *table.Table {
	if s.Reproduction == nil {
		return nil
	}
	t := &table.Table{
		ID: "views", Title: "Memory as others count it",
		Intro: "Some publish the resident memory of the process, some what the whole machine lost, some what the program's heap holds. " +
			"The first two are the whole, at the last plateau; the others what one further connection costs.",
		Columns: []table.Column{
			{Head: "Server", Text: true}, {Head: "process RSS"}, {Head: "machine", Unit: "both ends"},
			{Head: "process RSS", Unit: "B/conn"}, {Head: "kernel", Unit: "B/conn, server's end"}, {Head: "server's end", Unit: "B/conn, both together"}, {Head: "machine", Unit: "B/conn, both ends"},
		},
	}
	slope := func(item string) digest.Quantity { return digest.Slope(item, item, digest.BytesPerConn) }
	for _, a := range s.Arms {
		cells, known := []string{a.Name}, false
		for _, q := range []digest.Quantity{named("server.rss"), named("machine.used"), slope(results.ItemServerRSS), slope(results.ItemKernelServer), named("server.end"), slope(results.ItemMachine)} {
			known = known || a.Summary(q).N > 0
			cells = append(cells, median(a, q))
		}
		if known {
			t.Add(cells...).Bad = a.Verdict != results.Valid
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	if most(s) < large {
		t.Note(fmt.Sprintf("Under %s connections other programs and the kernel's own lists move the machine's free memory as much as the connections do; objects counted in the kernel are right at any number.", format.Whole(large)))
	}
	t.Note("Both ends of every connection are on this machine: what it lost counts the load generator's sockets and processes as well.")
	return t
}

// named finds a quantity that stands beside published figures.
func named(name string) digest.Quantity {
	q, ok := digest.QuantityNamed(name)
	if !ok {
		panic("sections: no quantity " + name)
	}
	return q
}
