package digest

import (
	"fmt"
	"slices"

	"signalbench/results"
)

// A Finding is a finding with the place that it is about.
type Finding struct {
	results.Finding
	Where string // "suite", or arm, repetition and phase
}

// Findings returns the findings of the suite and of all its runs, and what is
// unequal between the arms; fatal ones first, otherwise in the order of the
// steps.
func (s *Suite) Findings() []Finding {
	var list []Finding
	for _, f := range s.Suite.Findings {
		list = append(list, Finding{f, "suite"})
	}
	for _, f := range s.unequal() {
		list = append(list, Finding{f, "suite"})
	}
	for _, a := range s.Arms {
		for _, r := range a.Runs {
			for _, f := range r.Findings {
				where := fmt.Sprintf("%s, repetition %d", a.Name, r.Repetition)
				if f.Phase != "" {
					where += ", " + f.Phase
				}
				list = append(list, Finding{f, where})
			}
		}
	}
	rank := map[results.Severity]int{results.Fatal: 0, results.Warning: 1, results.Note: 2}
	slices.SortStableFunc(list, func(a, b Finding) int { return rank[a.Severity] - rank[b.Severity] })
	return list
}
