package summary

import (
	"fmt"
	"math"
	"strings"

	"signalbench/results"
)

// pauses tells how both Go runtimes collected and for how long they stood still.
func pauses(b *strings.Builder, run *results.Run) {
	t := newTable(b, "Go runtime", "GC cycles", "one every", "of its CPU", "GC pauses", "p50", "p99", "max", "other pauses", "p99", "max")
	rows := 0
	for _, side := range []struct {
		name string
		gc   *results.GCPauses
	}{{"server", run.Target.GC}, {"load generator", run.ClientGC}} {
		gc := side.gc
		if gc == nil {
			continue
		}
		row := []any{side.name, gc.Cycles, "-", "-", gc.Count, short(gc.P50), short(gc.P99), short(gc.Max), "-", "-", "-"}
		if every := gc.Interval(); every > 0 {
			row[2] = short(every)
		}
		if part := gc.CPUFraction(); !math.IsNaN(part) {
			row[3] = fmt.Sprintf("%.1f %%", 100*part)
		}
		if o := gc.Other; o != nil {
			row[8], row[9], row[10] = o.Count, short(o.P99), short(o.Max)
		}
		t.AppendRow(row)
		rows++
	}
	if rows > 0 {
		t.Render()
		b.WriteByte('\n')
	}
}
