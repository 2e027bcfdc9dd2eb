package figure

import (
	"image/color"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"signalbench/compare/internal/format"
)

// A Pair is what was measured beside what it is compared with.
type Pair struct {
	Name        string
	Value, Bare float64 // Bare is 0 where there is nothing to compare with
}

// Pairs draws two horizontal bars for each pair, the first pair on top, with
// their values. It returns nil if there is nothing to draw.
func Pairs(id, title, caption, axis, value, bare string, pairs []Pair) (*Figure, error) {
	const thick, gap = vg.Length(15), vg.Length(16)
	longest, compared := 0.0, false
	values, bares := make(plotter.Values, len(pairs)), make(plotter.Values, len(pairs))
	names := make([]string, len(pairs))
	for i, p := range pairs {
		at := len(pairs) - 1 - i
		names[at], values[at], bares[at] = p.Name, max(p.Value, 0), max(p.Bare, 0)
		longest, compared = max(longest, p.Value, p.Bare), compared || p.Bare > 0
	}
	if longest == 0 {
		return nil, nil
	}
	p := newPlot()
	var legend []entry
	add := func(name string, of plotter.Values, c color.Color, offset vg.Length) error {
		chart, err := plotter.NewBarChart(of, thick)
		if err != nil {
			return err
		}
		chart.Horizontal, chart.Color, chart.LineStyle.Width, chart.Offset = true, c, 0, offset
		labels := plotter.XYLabels{}
		for i, v := range of {
			if v > 0 {
				labels.XYs = append(labels.XYs, plotter.XY{X: v, Y: float64(i)})
				labels.Labels = append(labels.Labels, format.Whole(v))
			}
		}
		texts, err := plotter.NewLabels(labels)
		if err != nil {
			return err
		}
		for i := range texts.TextStyle {
			texts.TextStyle[i].Font = face(fontSize)
			texts.TextStyle[i].YAlign = draw.YCenter
		}
		texts.Offset = vg.Point{X: 5, Y: offset}
		p.Add(chart, texts)
		legend = append(legend, entry{name, c})
		return nil
	}
	offset := vg.Length(0)
	if compared {
		offset = thick / 2
		if err := add(bare, bares, color.RGBA{0x8c, 0x8c, 0x8c, 0xff}, -offset); err != nil {
			return nil, err
		}
	}
	if err := add(value, values, Colour(0), offset); err != nil {
		return nil, err
	}
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(pairs))-0.4
	p.X.Min, p.X.Max = 0, longest*1.15
	p.X.Tick.Marker = wholeTicks{}
	p.X.Label.Text = axis
	svg, err := render(p, legend, plotWidth, 60+vg.Length(len(pairs))*(2*thick+gap))
	if err != nil {
		return nil, err
	}
	return &Figure{ID: id, Title: title, Caption: caption, SVG: svg}, nil
}
