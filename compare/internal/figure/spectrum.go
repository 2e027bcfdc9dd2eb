package figure

import (
	"math"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"signalbench/results"
)

// A Line is one thing in a figure; its colour goes by its place.
type Line struct {
	Name      string
	Histogram *results.Histogram // may be nil or empty: the line is left out
}

const (
	plotWidth  = 620
	plotHeight = 300
)

// Spectrum draws distributions over a logarithmic percentile axis. It returns
// nil if there is nothing to draw.
func Spectrum(id, title, caption string, lines []Line) (*Figure, error) {
	p := newPlot()
	low, high, top := math.Inf(1), 0.0, 0.0
	var legend []entry
	for i, l := range lines {
		if l.Histogram == nil || l.Histogram.Count() == 0 {
			continue
		}
		// The last point is the maximum: it stands where one value of Count
		// lies at or beyond it.
		last := 1 - 1/float64(max(l.Histogram.Count(), 2))
		var xy plotter.XYs
		for _, pt := range l.Histogram.Distribution(10) {
			v := float64(pt.Value)
			low, high = min(low, v), max(high, v)
			xy = append(xy, plotter.XY{X: min(pt.Quantile, last), Y: v})
		}
		top = max(top, last)
		line, err := plotter.NewLine(xy)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = Colour(i), vg.Length(1.6)
		p.Add(line)
		legend = append(legend, entry{l.Name, Colour(i)})
	}
	if len(legend) == 0 {
		return nil, nil
	}
	p.X.Min, p.X.Max = 0, top
	p.X.Scale, p.X.Tick.Marker = percentileScale{}, percentileScale{}
	p.X.Label.Text = "share of values at or below"
	p.Y.Min, p.Y.Max = timeRange(low, high)
	p.Y.Scale, p.Y.Tick.Marker = timeScale{}, timeScale{}
	grid(p)
	svg, err := render(p, legend, plotWidth, plotHeight)
	if err != nil {
		return nil, err
	}
	return &Figure{ID: id, Title: title, Caption: caption, SVG: svg}, nil
}
