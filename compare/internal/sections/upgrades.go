package sections

import (
	"fmt"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Upgrades says what upgrades took while few and while many connections were
// held, and how their rate stands to bare connect and accept.
func Upgrades(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "upgrades", Title: "Upgrade time by connections held",
		Intro: fmt.Sprintf("The first %s upgrades of a ramp, and as many before each plateau, in whole seconds. Each run for itself.", format.Whole(results.HeldWindow)),
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "Rep."}, {Head: "held", Unit: "from"}, {Head: "", Unit: "to"}, {Head: "upgrades", Unit: "per s"},
			{Head: "upgrade", Unit: "p50"}, {Head: "", Unit: "p99"}, {Head: "", Unit: "max"}, {Head: "p99", Unit: "of the first"},
		},
	}
	for _, a := range s.Arms {
		for i, r := range a.Runs {
			held := results.ByHeld(r.Intervals(digest.RampPart, results.MetricUpgrade), r.Spec.Plateaus)
			for k, h := range held {
				name, rep := a.Name, fmt.Sprint(r.Repetition)
				if k > 0 {
					name, rep = "", ""
				}
				row := t.Add(name, rep, whole(h.From), whole(h.To), format.Whole(h.PerSecond()),
					quantile(h.Histogram, 0.5), quantile(h.Histogram, 0.99), quantile(h.Histogram, 1), ratio(h.Histogram, held[0].Histogram))
				row.Group, row.Bad = i == 0 && k == 0, r.Verdict != results.Valid
			}
			if of, ok := r.OfBare(); ok && held != nil {
				t.Note(fmt.Sprintf("%s, repetition %d: ramp %s upgrades/s = %.2f of bare connect + accept (%s/s, same run).",
					a.Name, r.Repetition, format.Whole(of*r.Yardstick.Connects), of, format.Whole(r.Yardstick.Connects)))
			}
		}
	}
	return t
}

// ratio is how many times the p99 of first that of h is.
func ratio(h, first *results.Histogram) string {
	of, ok := digest.QuantileOf(first, 0.99)
	p99, both := digest.QuantileOf(h, 0.99)
	if !ok || !both || of <= 0 {
		return format.Unknown
	}
	return fmt.Sprintf("%.2f", float64(p99)/float64(of))
}
