package figure

import (
	"image/color"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"signalbench/compare/internal/format"
)

// A Bar is a stack of values; all bars of a figure have the same segments.
type Bar struct {
	Name   string
	Values []float64 // one for each segment, none negative
}

// A Segment is one part of every bar.
type Segment struct {
	Name   string
	Colour color.Color
}

// Bars draws stacked horizontal bars with their totals, the first on top. It
// returns nil if there is nothing to draw.
func Bars(id, title, caption, axis string, segments []Segment, bars []Bar) (*Figure, error) {
	if len(bars) == 0 || len(segments) == 0 {
		return nil, nil
	}
	const thick, gap = vg.Length(30), vg.Length(18)
	p := newPlot()
	var below *plotter.BarChart
	var legend []entry
	total := make([]float64, len(bars))
	for i, s := range segments {
		values, any := make(plotter.Values, len(bars)), false
		for j, b := range bars {
			v := max(b.Values[i], 0)
			values[len(bars)-1-j] = v
			total[j] += v
			any = any || v > 0
		}
		if !any {
			continue
		}
		chart, err := plotter.NewBarChart(values, thick)
		if err != nil {
			return nil, err
		}
		chart.Horizontal, chart.Color, chart.LineStyle.Width = true, s.Colour, 0
		if below != nil {
			chart.StackOn(below)
		}
		below = chart
		p.Add(chart)
		legend = append(legend, entry{s.Name, s.Colour})
	}
	if below == nil {
		return nil, nil
	}
	names := make([]string, len(bars))
	labels := plotter.XYLabels{}
	longest := 0.0
	for j, b := range bars {
		at := len(bars) - 1 - j
		names[at] = b.Name
		labels.XYs = append(labels.XYs, plotter.XY{X: total[j], Y: float64(at)})
		labels.Labels = append(labels.Labels, format.Whole(total[j]))
		longest = max(longest, total[j])
	}
	sums, err := plotter.NewLabels(labels)
	if err != nil {
		return nil, err
	}
	for i := range sums.TextStyle {
		sums.TextStyle[i].Font = face(fontSize)
		sums.TextStyle[i].YAlign = -0.5
	}
	sums.Offset = vg.Point{X: 5}
	p.Add(sums)
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(bars))-0.4
	p.X.Min, p.X.Max = 0, longest*1.12
	p.X.Tick.Marker = wholeTicks{}
	p.X.Label.Text = axis
	svg, err := render(p, legend, plotWidth, 60+vg.Length(len(bars))*(thick+gap))
	if err != nil {
		return nil, err
	}
	return &Figure{ID: id, Title: title, Caption: caption, SVG: svg}, nil
}
