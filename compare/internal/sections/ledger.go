package sections

import (
	"fmt"
	"math"
	"slices"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/stat"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// ledgerRow is one item of the ledger, of each run.
type ledgerRow struct {
	group, name string
	unit        digest.Unit
	of          func(*digest.Run) (results.Slope, bool)
}

// Ledger gives what one connection costs, item by item.
func Ledger(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "ledger", Title: "Memory ledger: what one connection costs",
		Intro: "Slope over the plateaus, settled (garbage collected, free memory returned), idle after one echo. " +
			"Median over the repetitions, and the widest 95 % interval of their fits.",
		Columns: []table.Column{{Head: "Side", Text: true}, {Head: "Item", Text: true}, {Head: "Unit", Text: true}},
	}
	for _, a := range s.Arms {
		t.Columns = append(t.Columns, table.Column{Head: a.Name})
	}
	group := ""
	for _, row := range ledgerRows(s) {
		cells := []string{"", row.name, unitName(row.unit)}
		if row.group != group {
			cells[0] = row.group
		}
		known := false
		for _, a := range s.Arms {
			text, ok := slopeCell(a, row)
			known = known || ok
			cells = append(cells, text)
		}
		if known {
			t.Add(cells...).Group = row.group != group
			group = row.group
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	for _, a := range s.Arms {
		if n := fixedNote(a); n != "" {
			t.Note(n)
		}
	}
	for _, n := range ledgerNotes(s) {
		t.Note(n)
	}
	return t
}

func ledgerRows(s *digest.Suite) []ledgerRow {
	slope := func(item string) func(*digest.Run) (results.Slope, bool) {
		return func(r *digest.Run) (results.Slope, bool) { return r.Slope(item) }
	}
	var rows []ledgerRow
	for _, i := range []struct {
		item, name string
		unit       digest.Unit
	}{
		{results.ItemServerRSS, "RSS", digest.BytesPerConn}, {"server.pss", "PSS", digest.BytesPerConn},
		{"server.anon", "of it anonymous", digest.BytesPerConn},
		{"server.heap", "Go heap", digest.BytesPerConn}, {"server.stacks", "Go stacks", digest.BytesPerConn},
		{"server.goroutines", "goroutines", digest.CountPerConn}, {"server.descriptors", "descriptors", digest.CountPerConn},
	} {
		rows = append(rows, ledgerRow{"server process", i.name, i.unit, slope(i.item)})
	}
	const bytes = digest.BytesPerConn
	for _, socket := range []bool{true, false} {
		group := "kernel, both ends"
		if !socket {
			group = "kernel, other"
		}
		for _, n := range kernelNames(s, socket) {
			rows = append(rows, ledgerRow{group, n, bytes, slope("kernel." + n)})
		}
		if socket {
			rows = append(rows, ledgerRow{group, "sum", bytes, slope(results.ItemKernelSockets)},
				ledgerRow{"of it", "server half", bytes, slope(results.ItemKernelServer)},
				ledgerRow{"of it", "client half", bytes, slope(results.ItemKernelClient)})
		}
	}
	return append(rows,
		ledgerRow{"whole machine", "other slab caches", bytes, slope(results.ItemKernelOther)},
		ledgerRow{"whole machine", "TCP buffers", bytes, slope(results.ItemTCPMem)},
		ledgerRow{"whole machine", "free memory lost", bytes, slope(results.ItemMachine)},
		ledgerRow{"whole machine", "artefact: proc_inode_cache", bytes, slope(results.ItemProcInodes)},
		ledgerRow{"load generator", "RSS", bytes, slope(results.ItemClientRSS)},
		ledgerRow{"load generator", "descriptors", digest.CountPerConn, slope("client.descriptors")},
	)
}

// kernelNames lists the slab caches that any run has a row for, in its order.
func kernelNames(s *digest.Suite, socket bool) []string {
	var names []string
	for _, a := range s.Arms {
		for _, r := range a.Counted() {
			for _, o := range r.Kernel() {
				if o.Socket == socket && !slices.Contains(names, o.Name) {
					names = append(names, o.Name)
				}
			}
		}
	}
	return names
}

func slopeCell(a *digest.Arm, row ledgerRow) (string, bool) {
	var values []float64
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range a.Counted() {
		if s, ok := row.of(r); ok {
			values = append(values, s.PerConn)
			if s.HasInterval {
				low, high = min(low, s.Low), max(high, s.High)
			}
		}
	}
	sum := stat.Summarize(values)
	text := value(sum.Median, row.unit)
	if sum.N > 0 && row.unit == digest.BytesPerConn && low < high {
		text += " (" + value(low, row.unit) + " … " + value(high, row.unit) + ")"
	}
	return text, sum.N > 0
}

// fixedNote says what a server of several processes takes besides its
// connections, where its line crosses zero; empty if there is one process.
func fixedNote(a *digest.Arm) string {
	var fixed []float64
	shards := 1
	for _, r := range a.Counted() {
		if s, ok := r.Slope("server.pss"); ok {
			fixed = append(fixed, s.Fixed)
			shards = r.Shards()
		}
	}
	if shards < 2 || len(fixed) == 0 {
		return ""
	}
	all := stat.Summarize(fixed).Median
	return fmt.Sprintf("Fixed, besides the connections: %s of PSS for the %d processes of %s and their supervisor (%s for each process).",
		format.Bytes(all), shards, a.Name, format.Bytes(all/float64(shards)))
}

// ledgerNotes collects what the runs say about this machine's ledger, once each.
func ledgerNotes(s *digest.Suite) []string {
	notes := []string{"Each end of a connection holds one socket and the objects behind it. With both ends on one machine they are halved; with one elsewhere they are all of this one."}
	for _, a := range s.Arms {
		for _, r := range a.Counted() {
			if r.Ledger == nil {
				continue
			}
			for _, n := range r.Ledger.Notes {
				if !slices.Contains(notes, n) {
					notes = append(notes, n)
				}
			}
		}
	}
	return notes
}
