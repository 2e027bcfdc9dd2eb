// Package diff compares two result folders quantity by quantity and finds what
// became worse: significantly, and by more than a threshold.
package diff

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/stat"
	"signalbench/results"
)

// A Row compares one quantity of one arm.
type Row struct {
	Arm      string
	Quantity digest.Quantity
	stat.Comparison
	// Worse is a significant change in the wrong direction by more than the
	// threshold.
	Worse bool
	// Better is its counterpart.
	Better bool
}

// A Result is a whole comparison.
type Result struct {
	Rows []Row
	// Warnings say what makes the comparison questionable: settings and machine
	// facts that differ, arms that only one side has, too few repetitions.
	Warnings []string
}

// Worse counts the rows that are worse.
func (r *Result) Worse() int {
	n := 0
	for _, row := range r.Rows {
		if row.Worse {
			n++
		}
	}
	return n
}

// ErrInvalid is wrapped by Check for results that must not be compared.
var ErrInvalid = errors.New("INVALID")

// Check refuses results that judged themselves INVALID.
func Check(s *digest.Suite) error {
	if s.Verdict == results.Valid {
		return nil
	}
	why := ""
	for _, f := range s.Findings() {
		if f.Severity == results.Fatal {
			why = "; first reason: " + f.Where + ": " + f.Text
			break
		}
	}
	return fmt.Errorf("%s is %w%s", s.Dir, ErrInvalid, why)
}

// Compare compares the arms that both sides have, by name; if each side has
// exactly one arm they are compared whatever their names. threshold is relative,
// 0.05 for 5 %.
func Compare(before, after *digest.Suite, threshold float64) (*Result, error) {
	r := new(Result)
	pairs := pair(before, after, r)
	if len(pairs) == 0 {
		return nil, fmt.Errorf("nothing to compare: %s has %s, %s has %s", before.Dir, names(before), after.Dir, names(after))
	}
	fewA, fewB := math.MaxInt, math.MaxInt
	said := map[string]bool{}
	quantities := digest.Quantities(before, after)
	for _, p := range pairs {
		a, b := p[0].Counted(), p[1].Counted()
		if len(a) == 0 || len(b) == 0 {
			r.Warnings = append(r.Warnings, p[0].Name+" was not measured on both sides")
			continue
		}
		fewA, fewB = min(fewA, len(a)), min(fewB, len(b))
		for _, d := range digest.Unequal(a[0], b[0]) {
			if !said[d] {
				said[d] = true
				r.Warnings = append(r.Warnings, d)
			}
		}
		r.arm(p[0], p[1], quantities, threshold)
	}
	if fewA != math.MaxInt {
		if s := stat.SupportBoth(fewA, fewB); s != "" {
			r.Warnings = append(r.Warnings, s)
		}
	}
	return r, nil
}

func (r *Result) arm(before, after *digest.Arm, quantities []digest.Quantity, threshold float64) {
	for _, q := range quantities {
		a, b := before.Values(q), after.Values(q)
		if len(a) == 0 || len(b) == 0 {
			continue
		}
		row := Row{Arm: after.Name, Quantity: q, Comparison: stat.Compare(a, b)}
		change := row.Change()
		if row.Significant && !(math.Abs(change) <= threshold) { // NaN: from zero, by any measure
			rose := row.New.Median > row.Old.Median
			row.Better, row.Worse = rose == q.HigherBetter, rose != q.HigherBetter
		}
		r.Rows = append(r.Rows, row)
	}
}

// pair matches arms and warns of those that only one side has.
func pair(before, after *digest.Suite, r *Result) [][2]*digest.Arm {
	if len(before.Arms) == 1 && len(after.Arms) == 1 {
		if a, b := before.Arms[0].Name, after.Arms[0].Name; a != b {
			r.Warnings = append(r.Warnings, fmt.Sprintf("different arms: %s and %s", a, b))
		}
		return [][2]*digest.Arm{{before.Arms[0], after.Arms[0]}}
	}
	var pairs [][2]*digest.Arm
	for _, a := range before.Arms {
		if b := after.Arm(a.Name); b != nil {
			pairs = append(pairs, [2]*digest.Arm{a, b})
		} else {
			r.Warnings = append(r.Warnings, fmt.Sprintf("only %s has %s", before.Dir, a.Name))
		}
	}
	for _, b := range after.Arms {
		if before.Arm(b.Name) == nil {
			r.Warnings = append(r.Warnings, fmt.Sprintf("only %s has %s", after.Dir, b.Name))
		}
	}
	return pairs
}

func names(s *digest.Suite) string {
	var list []string
	for _, a := range s.Arms {
		list = append(list, a.Name)
	}
	return strings.Join(list, ", ")
}
