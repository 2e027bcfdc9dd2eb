package figure

import (
	"math"
	"time"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// A Moment is what one second of a window measured.
type Moment struct {
	At       time.Duration // since the start of the window
	P50, P99 time.Duration
}

// A Track is the course of one thing; its colour goes by its place.
type Track struct {
	Name    string
	Moments []Moment // may be empty: the track is left out
}

// Course draws p50 (dashed) and p99 (solid) over a window. It returns nil if
// there is nothing to draw.
func Course(id, title, caption string, tracks []Track) (*Figure, error) {
	p := newPlot()
	low, high, end := math.Inf(1), 0.0, 0.0
	var legend []entry
	for i, t := range tracks {
		var p50, p99 plotter.XYs
		for _, m := range t.Moments {
			if m.P50 <= 0 || m.P99 <= 0 {
				continue
			}
			x := m.At.Seconds()
			p50 = append(p50, plotter.XY{X: x, Y: float64(m.P50)})
			p99 = append(p99, plotter.XY{X: x, Y: float64(m.P99)})
			low, high, end = min(low, float64(m.P50)), max(high, float64(m.P99)), max(end, x)
		}
		if len(p50) == 0 {
			continue
		}
		for _, of := range []struct {
			xy     plotter.XYs
			dashes []vg.Length
		}{{p99, nil}, {p50, []vg.Length{4, 3}}} {
			line, points, err := plotter.NewLinePoints(of.xy)
			if err != nil {
				return nil, err
			}
			line.Color, line.Width, line.Dashes = Colour(i), vg.Length(1.4), of.dashes
			points.Color, points.Radius = Colour(i), vg.Length(1.6)
			p.Add(line, points)
		}
		legend = append(legend, entry{t.Name, Colour(i)})
	}
	if len(legend) == 0 {
		return nil, nil
	}
	p.X.Min, p.X.Max = 0, math.Ceil(end)
	p.X.Label.Text = "seconds of the measurement window"
	p.X.Tick.Marker = wholeTicks{}
	p.Y.Min, p.Y.Max = timeRange(low, high)
	p.Y.Scale, p.Y.Tick.Marker = timeScale{}, timeScale{}
	grid(p)
	svg, err := render(p, legend, plotWidth, plotHeight)
	if err != nil {
		return nil, err
	}
	return &Figure{ID: id, Title: title, Caption: caption, SVG: svg}, nil
}
