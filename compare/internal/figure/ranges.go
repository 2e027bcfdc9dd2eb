package figure

import (
	"image/color"
	"math"
	"strings"
	"time"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"signalbench/compare/internal/format"
)

// A Range is a row of durations.
type Range struct {
	Name string
	At   []time.Duration // one for each mark; 0 is left out
}

// Ranges draws each row as a line over a logarithmic axis of time, with a mark at
// each of its durations and the values of the first and the last beside it, the first
// row on top. It returns nil if there is nothing to draw.
func Ranges(id, title, caption, axis string, marks []string, rows []Range) (*Figure, error) {
	const rowHeight = vg.Length(30)
	var kept []Range
	low, high := math.Inf(1), 0.0
	for _, r := range rows {
		any := false
		for _, at := range r.At {
			if at > 0 {
				any = true
				low, high = min(low, float64(at)), max(high, float64(at))
			}
		}
		if any {
			kept = append(kept, r)
		}
	}
	if len(kept) == 0 {
		return nil, nil
	}
	p := newPlot()
	names := make([]string, len(kept))
	points := make([]plotter.XYs, len(marks))
	ends := plotter.XYLabels{}
	for i, r := range kept {
		y := float64(len(kept) - 1 - i)
		names[len(kept)-1-i] = r.Name
		from, to := math.Inf(1), 0.0
		var label []string // of the first and the last
		for k, at := range r.At {
			if at <= 0 {
				continue
			}
			x := float64(at)
			points[k] = append(points[k], plotter.XY{X: x, Y: y})
			from, to = min(from, x), max(to, x)
			label = append(label[:min(len(label), 1)], format.Duration(at))
		}
		line, err := plotter.NewLine(plotter.XYs{{X: from, Y: y}, {X: to, Y: y}})
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = color.NRGBA{0x80, 0x80, 0x80, 0xc0}, vg.Length(3)
		p.Add(line)
		ends.XYs = append(ends.XYs, plotter.XY{X: to, Y: y})
		ends.Labels = append(ends.Labels, strings.Join(label, " … "))
	}
	var legend []entry
	for k, xy := range points {
		if len(xy) == 0 {
			continue
		}
		s, err := plotter.NewScatter(xy)
		if err != nil {
			return nil, err
		}
		s.Color, s.Radius, s.Shape = Colour(k), vg.Length(4.5), draw.CircleGlyph{}
		p.Add(s)
		legend = append(legend, entry{marks[k], Colour(k)})
	}
	labels, err := plotter.NewLabels(ends)
	if err != nil {
		return nil, err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].Font = face(fontSize)
		labels.TextStyle[i].YAlign = draw.YCenter
	}
	labels.Offset = vg.Point{X: 9}
	p.Add(labels)
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(kept))-0.4
	p.X.Min, p.X.Max = timeRange(low, high)
	p.X.Max *= math.Pow(p.X.Max/p.X.Min, 0.3) // room for the labels
	p.X.Scale, p.X.Tick.Marker = timeScale{}, timeScale{}
	p.X.Label.Text = axis
	svg, err := render(p, legend, plotWidth, 60+vg.Length(len(kept))*rowHeight)
	if err != nil {
		return nil, err
	}
	return &Figure{ID: id, Title: title, Caption: caption, SVG: svg}, nil
}
