package figure

import (
	"math"
	"time"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// A Point is a value at a moment of a run.
type Point struct {
	At    time.Duration
	Value float64
}

// A Curve is one thing over time; its colour goes by its place.
type Curve struct {
	Name   string
	Points []Point // in the order of time; may be empty: the curve is left out
	// Marked draws a mark at each point, where they are few and what lies between
	// them was not measured.
	Marked bool
}

// Timeline draws curves from zero over the time of a run. It returns nil if there
// is nothing to draw.
func Timeline(id, title, caption, axis string, curves []Curve) (*Figure, error) {
	p := newPlot()
	var legend []entry
	highest, end := 0.0, 0.0
	for i, c := range curves {
		var xy plotter.XYs
		for _, pt := range c.Points {
			if pt.Value < 0 || math.IsNaN(pt.Value) {
				continue
			}
			xy = append(xy, plotter.XY{X: pt.At.Seconds(), Y: pt.Value})
			highest, end = max(highest, pt.Value), max(end, pt.At.Seconds())
		}
		if len(xy) < 2 {
			continue
		}
		line, marks, err := plotter.NewLinePoints(xy)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = Colour(i), vg.Length(1.4)
		p.Add(line)
		if c.Marked {
			line.Dashes = []vg.Length{4, 3}
			marks.Color, marks.Radius = Colour(i), vg.Length(2.2)
			p.Add(marks)
		}
		legend = append(legend, entry{c.Name, Colour(i)})
	}
	if len(legend) == 0 || highest == 0 || end == 0 {
		return nil, nil
	}
	p.X.Min, p.X.Max = 0, math.Ceil(end)
	p.X.Label.Text = "seconds since the start of the run"
	p.X.Tick.Marker = wholeTicks{}
	p.Y.Min, p.Y.Max = 0, highest*1.05
	p.Y.Label.Text = axis
	p.Y.Tick.Marker = wholeTicks{}
	grid(p)
	svg, err := render(p, legend, plotWidth, plotHeight)
	if err != nil {
		return nil, err
	}
	return &Figure{ID: id, Title: title, Caption: caption, SVG: svg}, nil
}
