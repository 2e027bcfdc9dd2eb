package orchestrate

import (
	"fmt"

	"signalbench/results"
)

// Judge adds a fatal finding for each step that is missing or failed, and for a
// suite that was stopped, and sets the verdict. A run that is INVALID has its
// own findings, which are not said again.
func Judge(s *results.Suite) {
	fatal := func(check, text string) {
		s.Findings = append(s.Findings, results.Finding{Severity: results.Fatal, Check: check, Text: text})
	}
	if s.Partial {
		fatal("partial", fmt.Sprintf("stopped before its plan ended: %d of %d steps", len(s.Steps), len(s.Arms)*s.Repetitions))
	}
	done := map[string]int{}
	barred := map[string]bool{}
	for _, step := range s.Steps {
		done[step.Arm]++
		switch {
		case step.Error != "" && step.Dir == "" && barred[step.Arm+step.Error]:
			// Said once for the arm.
		case step.Error != "":
			barred[step.Arm+step.Error] = true
			fatal("step", fmt.Sprintf("%s, repetition %d: %s", step.Arm, step.Repetition, step.Error))
		}
	}
	for _, a := range s.Arms {
		if n := done[a.Name]; n < s.Repetitions && !s.Partial {
			fatal("missing", fmt.Sprintf("%s: %d of %d repetitions were measured", a.Name, n, s.Repetitions))
		}
	}
	s.Verdict = results.Valid
	for _, step := range s.Steps {
		if step.Verdict != results.Valid {
			s.Verdict = results.Invalid
		}
	}
	for _, f := range s.Findings {
		if f.Severity == results.Fatal {
			s.Verdict = results.Invalid
		}
	}
}
