package summary

import (
	"fmt"
	"strings"

	"signalbench/results"
)

// signal tells what sessions of signaling were made of, what arrived of it, and what a
// relayed message costs each side.
func signal(b *strings.Builder, run *results.Run) {
	t := newTable(b, "signaling", "swarms", "of peers", "sessions", "joins", "notices", "relays", "arrived", "per second", "per core and second: server", "load generator")
	rows := 0
	for _, p := range run.Phases {
		s := p.Signal
		if s == nil || p.Kind != results.Window {
			continue
		}
		rate := "-"
		if length := p.Length.Seconds(); length > 0 {
			rate = fmt.Sprintf("%.0f", float64(s.Relays.Completed)/length)
		}
		t.AppendRow([]any{
			p.Name, s.Swarms, s.Size, p.Ops.Completed, s.Joins.Completed, s.Notices.Completed, s.Relays.Scheduled, s.Relays.Completed, rate,
			perCore(s.Relays.Completed, p.Server), perCore(s.Relays.Completed, p.Client),
		})
		rows++
	}
	if rows == 0 {
		return
	}
	t.Render()
	for _, p := range run.Phases {
		if s := p.Signal; s != nil {
			causes(b, p.Name, "joins", s.Joins.Causes)
			causes(b, p.Name, "relays", s.Relays.Causes)
			causes(b, p.Name, "notices", s.Notices.Causes)
		}
	}
	b.WriteByte('\n')
}
