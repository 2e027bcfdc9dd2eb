package workload

import (
	"signalbench/loadgen/internal/lane"
	"signalbench/results"
)

// Hold leaves connections idle. It is always finished. A [Pulse] asks them
// whether they live.
type Hold struct{ common }

// NewHold returns the stage for one lane.
func NewHold(l *lane.Lane, d *Delivery) *Hold { return &Hold{common{l: l, d: d}} }

// Finished implements [Stage].
func (*Hold) Finished() bool { return true }

// Abort implements [Stage].
func (*Hold) Abort(results.Cause) {}
