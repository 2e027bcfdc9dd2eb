package summary

import (
	"fmt"
	"strings"
	"time"

	"signalbench/results"
)

// fanout tells how fast messages reached all of a room, beside bare fan-out, and
// what a delivery costs each side.
func fanout(b *strings.Builder, run *results.Run) {
	t := newTable(b, "fan-out", "rooms", "receivers", "messages", "deliveries", "per second", "bare", "of bare", "per core and second: server", "load generator")
	rows := 0
	for _, p := range run.Phases {
		f := p.Fanout
		if f == nil || p.Kind != results.Window {
			continue
		}
		row := []any{
			p.Name, f.Rooms, f.Receivers, p.Ops.Completed, f.Deliveries.Completed, fmt.Sprintf("%.0f", f.PerSecond),
			"-", "-", perCore(f.Deliveries.Completed, p.Server), perCore(f.Deliveries.Completed, p.Client),
		}
		if f.Bare != nil && f.Bare.PerSecond > 0 {
			row[6], row[7] = fmt.Sprintf("%.0f", f.Bare.PerSecond), fmt.Sprintf("%.2f", f.PerSecond/f.Bare.PerSecond)
		}
		t.AppendRow(row)
		rows++
	}
	if rows == 0 {
		return
	}
	t.Render()
	for _, p := range run.Phases {
		if p.Fanout != nil {
			causes(b, p.Name, "deliveries", p.Fanout.Deliveries.Causes)
		}
	}
	b.WriteByte('\n')
}

// perCore is how many of n things a side did in a second of its CPU time.
func perCore(n uint64, u results.Usage) string {
	cpu := u.User + u.System
	if !u.Known || cpu < 10*time.Millisecond { // the kernel's own resolution
		return "-"
	}
	return fmt.Sprintf("%.0f", float64(n)/cpu.Seconds())
}
