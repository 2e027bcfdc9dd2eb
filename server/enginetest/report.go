package enginetest

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// An Outcome is what became of a case.
type Outcome string

// The outcomes. A case whose known failure no longer happens has failed: the
// list is wrong.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// A Result is one case run once, or not at all.
type Result struct {
	Name, Section, Doc string
	Outcome            Outcome
	// Note is what was expected and what came (failed), what was let through
	// (passed), or what is missing (skipped).
	Note string
	// Known is why, if the server is known to fail this case.
	Known   string
	Elapsed time.Duration
}

// A Report is the outcome of a pass of the kit.
type Report struct {
	URL     string
	Results []Result
	Elapsed time.Duration
}

// Count returns how many results have the outcome.
func (r *Report) Count(o Outcome) int {
	n := 0
	for _, x := range r.Results {
		if x.Outcome == o {
			n++
		}
	}
	return n
}

// Unexpected returns the results that should stop a caller: failed and not
// known to fail, or known to fail and passed.
func (r *Report) Unexpected() []Result {
	var bad []Result
	for _, x := range r.Results {
		if x.Outcome == Failed && x.Known == "" {
			bad = append(bad, x)
		}
	}
	return bad
}

// MarshalJSON writes the form that run.json carries: how many passed and were
// skipped, and each failure with its error.
func (r *Report) MarshalJSON() ([]byte, error) {
	type failure struct {
		Name  string `json:"name"`
		Error string `json:"error"`
		Known string `json:"known,omitempty"`
	}
	out := struct {
		Passed  int       `json:"passed"`
		Skipped int       `json:"skipped"`
		Failed  []failure `json:"failed,omitempty"`
	}{Passed: r.Count(Passed), Skipped: r.Count(Skipped)}
	for _, x := range r.Results {
		if x.Outcome == Failed {
			out.Failed = append(out.Failed, failure{x.Name, x.Note, x.Known})
		}
	}
	return json.Marshal(out)
}

// WriteText writes a table of every case and a line that sums up.
func (r *Report) WriteText(w io.Writer) error {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.AppendHeader(table.Row{"outcome", "case", "section", "note"})
	t.SetColumnConfigs([]table.ColumnConfig{{Name: "note", WidthMax: 100}})
	for _, x := range r.Results {
		outcome, note := string(x.Outcome), x.Note
		switch {
		case x.Outcome == Failed && x.Known != "":
			outcome, note = "failed (known)", x.Note+"\nknown: "+x.Known
		case x.Outcome == Failed:
			outcome = strings.ToUpper(outcome)
		case x.Outcome == Passed && x.Note != "":
			outcome = "passed, lenient"
		}
		t.AppendRow(table.Row{outcome, x.Name, x.Section, note})
	}
	_, err := fmt.Fprintf(w, "%s\n\n%s\n", t.Render(), r.Summary())
	return err
}

// Summary is one line: what ran, against what, how it went.
func (r *Report) Summary() string {
	s := fmt.Sprintf("%s: %d passed, %d failed, %d skipped in %v", r.URL,
		r.Count(Passed), r.Count(Failed), r.Count(Skipped), r.Elapsed.Round(time.Millisecond))
	if known := r.Count(Failed) - len(r.Unexpected()); known > 0 {
		s += fmt.Sprintf(" (%d failures are known)", known)
	}
	return s
}
