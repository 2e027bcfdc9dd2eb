package sections

import (
	"fmt"

	"signalbench/compare/internal/diff"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
)

// Diff shows a comparison of two results, quantity by quantity.
func Diff(r *diff.Result, before, after string, threshold float64) *table.Table {
	t := &table.Table{
		ID: "diff", Title: "Old: " + before + "\nNew: " + after,
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "Quantity", Text: true},
			{Head: "old"}, {Head: "new"}, {Head: "change"}, {Head: "p"}, {Head: "n"}, {Head: "", Text: true},
		},
	}
	arm := ""
	for _, row := range r.Rows {
		name, mark := "", ""
		if row.Arm != arm {
			name = row.Arm
		}
		switch {
		case row.Worse:
			mark = "worse"
		case row.Better:
			mark = "better"
		}
		line := t.Add(name, row.Quantity.Head+unitSuffix(row.Quantity.Unit),
			spread(row.Old, row.Quantity.Unit), spread(row.New, row.Quantity.Unit),
			row.Delta(), fmt.Sprintf("%.3f", row.P), fmt.Sprintf("%d+%d", row.Old.N, row.New.N), mark)
		line.Group, line.Bad = row.Arm != arm, row.Worse
		arm = row.Arm
	}
	t.Note(fmt.Sprintf("Medians with their 95 %% interval in round brackets, or the range of all repetitions in square ones; ~ is no significant difference (Mann-Whitney, p < 0.05). Marked is what changed by more than %s.", format.Percent(threshold)))
	for _, w := range r.Warnings {
		t.Note("warning: " + w)
	}
	return t
}
