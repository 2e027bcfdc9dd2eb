package sections

import (
	"fmt"
	"strconv"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Conformance gives the outcome of the kit for each arm, the known failures of
// lesson engines with their reasons.
func Conformance(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "conformance", Title: "Conformance",
		Intro: "The kit's quick cases, against a server of its own before the first repetition. An engine that fails unexpectedly is not measured. " +
			"A lesson's known failures are all listed, also those that take longer than a quick pass.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "passed"}, {Head: "failed"}, {Head: "skipped"}, {Head: "Case", Text: true}, {Head: "Why", Text: true, Wrap: 80},
		},
	}
	for _, a := range s.Arms {
		c := a.Conformance
		if a.Raw() {
			t.Add(a.Name, format.Unknown, format.Unknown, format.Unknown, "", "not asked: it echoes bytes and speaks no WebSocket").Group = true
			continue
		}
		if c.Passed+len(c.Failed)+c.Skipped == 0 {
			continue
		}
		r := t.Add(a.Name, strconv.Itoa(c.Passed), strconv.Itoa(len(c.Failed)), strconv.Itoa(c.Skipped), "", "")
		r.Group = true
		for i, f := range c.Failed {
			why := "unexpected: " + f.Error
			if f.Known != "" {
				why = "known: " + f.Known
			} else {
				t.Rows[len(t.Rows)-1].Bad = true
			}
			if i == 0 {
				r.Cells[4], r.Cells[5] = f.Name, why
				continue
			}
			t.Add("", "", "", "", f.Name, why)
			r = &t.Rows[len(t.Rows)-1-i] // Add may have moved the rows
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

// Steps lists the runs in the order in which they took place.
func Steps(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "steps", Title: "Steps",
		Intro: fmt.Sprintf("In the order in which they ran: shuffled by seed %d and turned by one place for each repetition. Each had a server process of its own.", s.Seed),
		Columns: []table.Column{
			{Head: "#"}, {Head: "Engine", Text: true}, {Head: "Repetition"}, {Head: "Verdict", Text: true}, {Head: "Folder", Text: true}, {Head: "Error", Text: true, Wrap: 60},
		},
	}
	for i, step := range s.Steps {
		r := t.Add(strconv.Itoa(i+1), step.Arm, strconv.Itoa(step.Repetition), string(step.Verdict), step.Dir, step.Error)
		r.Bad = step.Verdict != results.Valid || step.Error != ""
	}
	return t
}

// Findings lists every reason to distrust the figures, worst first.
func Findings(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "findings", Title: "Findings",
		Intro: "What the runs and the suite say about themselves: a fatal finding makes a run INVALID, a warning stands beside the figures, a note is a fact to read them with.",
		Columns: []table.Column{
			{Head: "Severity", Text: true}, {Head: "Check", Text: true}, {Head: "Where", Text: true}, {Head: "Text", Text: true, Wrap: 90},
		},
	}
	for _, f := range s.Findings() {
		t.Add(string(f.Severity), f.Check, f.Where, f.Text).Bad = f.Severity == results.Fatal
	}
	if len(t.Rows) == 0 {
		t.Note("None.")
	}
	return t
}
