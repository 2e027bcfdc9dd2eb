package sections

import (
	"fmt"
	"time"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Storm says how clients came back after all of them had lost their connection
// at once.
func Storm(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "storm", Title: "Reconnect storm",
		Intro: "Every connection is lost at once, and each client dials again as its backoff says. A connection is back when it is open and, with a protocol above WebSocket, has joined again. " +
			"All back is from the first loss to the last return; the percentiles are of each connection, from its own loss.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "Backoff", Text: true}, {Head: "lost"}, {Head: "back"}, {Head: "all back", Unit: "after"},
			{Head: "one back", Unit: "p50"}, {Head: "", Unit: "p99"}, {Head: "", Unit: "max"}, {Head: "dials", Unit: "most in a second"}, {Head: "back", Unit: "most in a second"},
			{Head: "attempts", Unit: "per connection"}, {Head: "", Unit: "failed"}, {Head: "server", Unit: "peak RSS"}, {Head: "Why failed", Text: true, Wrap: 40},
		},
	}
	said := map[string]bool{}
	for _, p := range digest.Storms(s) {
		first := true
		for _, a := range s.Arms {
			var lost, back, failed uint64
			why := map[results.Cause]uint64{}
			var by string
			var ending time.Duration
			for _, r := range a.Counted() {
				phase := r.Window(p)
				if phase == nil || phase.Storm == nil {
					continue
				}
				by, ending = phase.Storm.By, max(ending, phase.Storm.Ending)
				lost += phase.Storm.Lost
				back += phase.Storm.Back
				for c, n := range phase.Storm.Failures {
					failed += n
					why[c] += n
				}
			}
			if by == "" {
				continue
			}
			h := a.Merged(p, results.MetricRecovery)
			row := t.Add(a.Name, p.Waits(), whole(lost), whole(back), spread(a.Summary(digest.Recovery(p)), digest.Nanoseconds),
				quantile(h, 0.5), quantile(h, 0.99), quantile(h, 1), median(a, digest.PeakDials(p)), median(a, digest.PeakBack(p)),
				median(a, digest.Attempts(p)), whole(failed), median(a, digest.PeakRSS(p)), causes(why))
			row.Group, row.Bad = first, a.Verdict != results.Valid
			first = false
			if text := endings(by); !said[text] {
				said[text] = true
				t.Note(text)
			}
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	t.Note("Counts are of all repetitions together, rates medians. All back has its range over the repetitions in square brackets, or its 95 % interval in round ones.")
	return t
}

// endings explains how a storm began.
func endings(by string) string {
	switch by {
	case "restart":
		return "By restart: the server's process ends and is started again on the same port; what that takes is in every time."
	case "reset":
		return "By reset: the load generator resets all connections (RST), and the server goes on."
	case "silence":
		return "By silence: the load generator falls silent, and the server ends connections when its timeouts say so."
	}
	return fmt.Sprintf("The connections ended by %q.", by)
}
