package sections

import (
	"fmt"
	"strings"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Adversaries says how healthy clients fared beside bad ones, and what became of
// those.
func Adversaries(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "adversaries", Title: "Adversaries",
		Intro: "Each workload runs twice on the same connections: first alone, then beside clients that behave badly. Healthy p99 is that of the workload's own clients, of all repetitions together. " +
			"Ended is how often the server ended a bad client or refused it.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "Workload", Text: true}, {Head: "Beside", Text: true, Wrap: 36},
			{Head: "healthy p99", Unit: "without"}, {Head: "", Unit: "with"}, {Head: "ratio", Unit: "of each run"}, {Head: "failed", Unit: "with"},
			{Head: "connected"}, {Head: "ended"}, {Head: "server peak RSS", Unit: "without"}, {Head: "", Unit: "with"}, {Head: "Why ended", Text: true, Wrap: 40},
		},
	}
	for _, p := range digest.HealthyParts() {
		with, first := p.WithAdversaries(), true
		for _, a := range s.Arms {
			var last *results.Phase
			var opened, ended, failed uint64
			why := map[results.Cause]uint64{}
			for _, r := range a.Counted() {
				phase := r.Window(with)
				if phase == nil {
					continue
				}
				last = phase
				failed += missing(phase.Ops)
				for _, bad := range phase.Adversaries {
					opened += bad.Opened
					ended += bad.Ended
					for c, n := range bad.Causes {
						why[c] += n
					}
				}
			}
			if last == nil {
				continue
			}
			metric := digest.Healthy(p)
			row := t.Add(a.Name, p.Workload, beside(last.Adversaries),
				quantile(a.Merged(p, metric), 0.99), quantile(a.Merged(with, metric), 0.99), spread(a.Summary(digest.Suffering(p)), digest.Ratio), whole(failed),
				whole(opened), whole(ended), median(a, digest.PeakRSS(p)), median(a, digest.PeakRSS(with)), causes(why))
			row.Group, row.Bad = first, a.Verdict != results.Valid
			first = false
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	t.Note("The ratio is that of the p99 within each run, its median over the repetitions with their range in square brackets, or the 95 % interval in round ones.")
	return t
}

// beside lists bad clients: "20 slow-reader, 5 flood".
func beside(list []results.Adversary) string {
	var parts []string
	for _, a := range list {
		parts = append(parts, fmt.Sprintf("%d %s", a.Count, a.Kind))
	}
	return strings.Join(parts, ", ")
}
