package summary

import (
	"fmt"
	"strings"

	"signalbench/results"
)

// hongbao tells how shakes came out, and where the money went.
func hongbao(b *strings.Builder, run *results.Run) {
	t := newTable(b, "red envelopes", "shakes", "none", "got", "overload", "grabs", "gifts", "sent", "received", "open", "lost", "excess", "server gave")
	rows := 0
	for _, p := range run.Phases {
		h := p.Hongbao
		if h == nil || h.Books == nil {
			continue
		}
		m := h.Books
		gave := "-"
		if m.Server != nil {
			gave = yuan(m.Server.Given)
		}
		t.AppendRow([]any{
			p.Name, p.Ops.Completed, h.None, h.Got, h.Overload, h.Grabs.Completed, m.Gifts,
			yuan(m.Sent), yuan(m.Received), yuan(m.Open), yuan(m.Lost), yuan(m.Excess), gave,
		})
		rows++
	}
	if rows == 0 {
		return
	}
	t.Render()
	for _, p := range run.Phases {
		if h := p.Hongbao; h != nil {
			causes(b, p.Name, "grabs", h.Grabs.Causes)
		}
	}
	b.WriteString("gifts and money: of the whole load, its warm-up and drain included\n\n")
}

// yuan writes cents.
func yuan(cents uint64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }
