package report

import (
	"time"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/figure"
	"signalbench/results"
)

// shaken draws how many shakes were answered in each second.
func shaken(s *digest.Suite) (*figure.Figure, error) {
	var curves []figure.Curve
	for _, a := range s.Arms {
		c := figure.Curve{Name: a.Name}
		if counted := a.Counted(); len(counted) > 0 {
			c.Points = answered(counted[0], digest.HongbaoPart)
		}
		curves = append(curves, c)
	}
	return figure.Timeline("shakes", "Shakes answered per second",
		"Each second that lies within the window, first repetition.", "shakes per second", curves)
}

// answered is the rate of messages received in each whole second of a part's window.
func answered(r *digest.Run, p digest.Part) []figure.Point {
	phase := r.Window(p)
	if phase == nil || phase.Kind != results.Window {
		return nil
	}
	var points []figure.Point
	before := time.Duration(0) // end of the second before
	for _, row := range r.Series {
		if before >= phase.Start && row.At <= phase.Start+phase.Length {
			points = append(points, figure.Point{At: row.At, Value: row.Received})
		}
		before = row.At
	}
	return points
}
