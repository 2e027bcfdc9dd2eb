package sections

import (
	"fmt"
	"strings"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Lead is the sentence below the title of a report.
func Lead(s *digest.Suite) string {
	names := make([]string, len(s.Arms))
	for i, a := range s.Arms {
		names[i] = a.Name
	}
	text := strings.Join(names, ", ")
	if len(s.Arms) > 1 || s.Repetitions > 1 {
		text += fmt.Sprintf("; %d interleaved repetitions", s.Repetitions)
		if s.Repetitions == 1 {
			text = strings.TrimSuffix(text, "s")
		}
	}
	return fmt.Sprintf("%s; %s UTC; %s, %d cores, Linux %s, %s.",
		text, s.Started.UTC().Format("2006-01-02 15:04"), s.Env.CPU, s.Env.Cores, s.Env.Kernel, s.Env.Go)
}

// Brief returns the sections that belong on a terminal: the figures, and only
// those outcomes that a reader must not miss.
func Brief(s *digest.Suite, larger ...*digest.Suite) []*table.Table {
	list := []*table.Table{
		Published(s),
		Extrapolated(s),
		MemoryViews(s),
		Sweep(s),
		Latency(s),
		Ledger(s),
		Throughput(s),
		Hold(s),
		Relay(s),
		Push(s),
		Fanout(s),
		Storm(s),
		Hongbao(s),
		Adversaries(s),
	}
	if most(s) >= large {
		list = append(list, Upgrades(s), Projection(s), Checks(s, larger...))
	}
	if c := Conformance(s); c != nil && hasCase(c) {
		list = append(list, c)
	}
	if f := briefFindings(s); f != nil {
		list = append(list, f)
	}
	var kept []*table.Table
	for _, t := range append(list, Summary(s)) { // last, where the eye is
		if t != nil && len(t.Rows) > 0 {
			kept = append(kept, t)
		}
	}
	return kept
}

// large is from how many connections on a projection is on the terminal as well:
// under it the machine's own noise weighs as much as the connections.
const large = 100_000

// most is the largest number of connections that was asked for.
func most(s *digest.Suite) int {
	n := 0
	for _, a := range s.Arms {
		for _, r := range a.Runs {
			n = max(n, r.Spec.Conns)
		}
	}
	return n
}

func hasCase(t *table.Table) bool {
	for _, r := range t.Rows {
		if r.Cells[4] != "" {
			return true
		}
	}
	return false
}

// briefFindings leaves out notes, and all but the first few of the rest.
func briefFindings(s *digest.Suite) *table.Table {
	const most = 10
	t := Findings(s)
	all := 0
	rows := t.Rows[:0]
	for _, r := range t.Rows {
		if r.Cells[0] == string(results.Note) {
			continue
		}
		if all++; all <= most {
			rows = append(rows, r)
		}
	}
	t.Rows = rows
	if all > most {
		t.Note(format.Whole(float64(all-most)) + " more in the report.")
	}
	return t
}
