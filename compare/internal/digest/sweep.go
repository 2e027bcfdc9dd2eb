package digest

import (
	"math"

	"signalbench/compare/internal/stat"
	"signalbench/results"
)

// A SweepPoint is an arm whose setting is one of several.
type SweepPoint struct {
	Arm *Arm
	// Peak is the most memory that the server's processes had in a window, in bytes;
	// CPU its processor time per echo. Of the churn: Interval is the time between two
	// collections of a process, Part the collector's part of the processor time, in
	// nanoseconds and as a ratio. Medians of the counted runs, NaN where that was not
	// measured.
	Peak, CPU, Interval, Part float64
	// Pauses are those for the collector during the churn, Stops all times that the
	// world stood still then, those included, of all counted runs together.
	Pauses, Stops results.Pauses
}

// Sweep returns the arms that have a setting, in the order of the plan.
func Sweep(s *Suite) []SweepPoint {
	var list []SweepPoint
	for _, a := range s.Arms {
		if a.Setting != nil {
			list = append(list, point(a))
		}
	}
	return list
}

func point(a *Arm) SweepPoint {
	p := SweepPoint{Arm: a, CPU: a.Summary(ServerCPU(EchoPart)).Median}
	var peak, every, part []float64
	var gc, all []results.Pauses
	for _, r := range a.Counted() {
		most := uint64(0)
		for _, of := range []Part{EchoPart, ChurnPart} {
			if t, ok := r.Total(of); ok && t.Server.Known {
				most = max(most, t.Server.PeakRSS)
			}
		}
		if most > 0 {
			peak = append(peak, float64(most))
		}
		window := r.Window(ChurnPart)
		if window == nil || window.ServerGC == nil {
			continue
		}
		g := window.ServerGC
		if i := g.Interval(); i > 0 {
			every = append(every, float64(i))
		}
		if f := g.CPUFraction(); !math.IsNaN(f) {
			part = append(part, f)
		}
		gc, all = append(gc, g.Pauses), append(all, g.Pauses)
		if g.Other != nil {
			all = append(all, *g.Other)
		}
	}
	p.Peak, p.Interval, p.Part = stat.Summarize(peak).Median, stat.Summarize(every).Median, stat.Summarize(part).Median
	p.Pauses, _ = results.MergePauses(gc...)
	p.Stops, _ = results.MergePauses(all...)
	return p
}
