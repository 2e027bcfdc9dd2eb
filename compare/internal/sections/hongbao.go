package sections

import (
	"fmt"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Hongbao says how shakes for red envelopes came out, and where the money went.
func Hongbao(s *digest.Suite) *table.Table {
	p := digest.HongbaoPart
	t := &table.Table{
		ID: "hongbao", Title: "Red envelopes",
		Intro: "Users shake in turn, each shake due at a time that is set in advance; a shake finds an envelope if one waits. Gifts are for three users, who are told and grab their shares at once. " +
			"Shake: due to its reply. Grab: the notice of a gift to the reply. Shakes, outcomes, grabs and money are sums over the repetitions, money of warm-up and drain as well; percentiles of all repetitions together, rates and CPU medians.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "users"}, {Head: "shakes", Unit: "per s"}, {Head: "none"}, {Head: "got"}, {Head: "overload"},
			{Head: "shake", Unit: "p50"}, {Head: "", Unit: "p99"}, {Head: "", Unit: "p99.9"}, {Head: "grabs"}, {Head: "grab", Unit: "p99"},
			{Head: "sent", Unit: "yuan"}, {Head: "received", Unit: "yuan"}, {Head: "server gave", Unit: "yuan"}, {Head: "server CPU", Unit: "per shake"}, {Head: "failed", Unit: "shakes, grabs"},
		},
	}
	for _, a := range s.Arms {
		sum := new(results.Hongbao)
		books := new(results.HongbaoBooks)
		var failed, gave uint64
		conns, told := 0, true
		for _, r := range a.Counted() {
			phase := r.Window(p)
			if phase == nil || phase.Hongbao == nil || phase.Hongbao.Books == nil {
				continue
			}
			h := phase.Hongbao
			conns = r.Spec.Conns
			sum.None, sum.Got, sum.Overload = sum.None+h.None, sum.Got+h.Got, sum.Overload+h.Overload
			sum.Grabs.Completed += h.Grabs.Completed
			failed += missing(phase.Ops) + missing(h.Grabs)
			books.Sent, books.Received = books.Sent+h.Books.Sent, books.Received+h.Books.Received
			if h.Books.Server != nil {
				gave += h.Books.Server.Given
			} else {
				told = false
			}
		}
		if conns == 0 {
			continue
		}
		server := format.Unknown
		if told {
			server = yuan(gave)
		}
		response := a.Merged(p, results.MetricResponse)
		t.Add(a.Name, format.Whole(float64(conns)), median(a, digest.Throughput(p)), whole(sum.None), whole(sum.Got), whole(sum.Overload),
			quantile(response, 0.5), quantile(response, 0.99), quantile(response, 0.999), whole(sum.Grabs.Completed), quantile(a.Merged(p, results.MetricGrab), 0.99),
			yuan(books.Sent), yuan(books.Received), server, median(a, digest.ServerCPU(p)), whole(failed),
		).Bad = a.Verdict != results.Valid
	}
	if len(t.Rows) == 0 {
		return nil
	}
	t.Note("Sent is what clients were told of, each envelope and gift once; a run in which sent, received and what the server gave differ by a cent is INVALID.")
	return t
}

// yuan writes cents.
func yuan(cents uint64) string {
	return fmt.Sprintf("%s.%02d", format.Whole(float64(cents/100)), cents%100)
}
