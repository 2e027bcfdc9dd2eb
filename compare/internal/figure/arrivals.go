package figure

import (
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// An Arrival is how a share of something grows with time.
type Arrival struct {
	Name string // of the thing; lines of the same name have one entry in the legend
	// Colour and Dash are numbers that tell lines apart: those of one thing share a
	// colour, those of one condition a dash. The caption explains the dashes.
	Colour, Dash int
	After        []time.Duration // ascending
	Share        []float64       // of 1, one for each of After
}

// dashes tell conditions apart.
var dashes = []struct {
	name    string
	lengths []vg.Length
}{{"solid", nil}, {"dashed", []vg.Length{6, 3}}, {"dotted", []vg.Length{1.5, 2.5}}, {"dash-dotted", []vg.Length{8, 2, 1.5, 2}}}

// DashName says how lines with that number look.
func DashName(i int) string { return dashes[i%len(dashes)].name }

// Arrivals draws shares over a logarithmic axis of time. It returns nil if there
// is nothing to draw.
func Arrivals(id, title, caption, axis string, list []Arrival) (*Figure, error) {
	p := newPlot()
	low, high := math.Inf(1), 0.0
	var legend []entry
	for _, a := range list {
		var xy plotter.XYs
		for i, at := range a.After {
			if at > 0 {
				low, high = min(low, float64(at)), max(high, float64(at))
				xy = append(xy, plotter.XY{X: float64(at), Y: 100 * a.Share[i]})
			}
		}
		if len(xy) < 2 {
			continue
		}
		line, err := plotter.NewLine(xy)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width, line.Dashes = Colour(a.Colour), vg.Length(1.6), dashes[a.Dash%len(dashes)].lengths
		p.Add(line)
		if e := (entry{a.Name, Colour(a.Colour)}); !slices.Contains(legend, e) {
			legend = append(legend, e)
		}
	}
	if len(legend) == 0 {
		return nil, nil
	}
	p.X.Min, p.X.Max = timeRange(low, high)
	p.X.Scale, p.X.Tick.Marker = timeScale{}, timeScale{}
	p.X.Label.Text = axis
	p.Y.Min, p.Y.Max = 0, 102
	p.Y.Label.Text = "% of those lost"
	p.Y.Tick.Marker = wholeTicks{}
	grid(p)
	svg, err := render(p, legend, plotWidth, plotHeight)
	if err != nil {
		return nil, err
	}
	return &Figure{ID: id, Title: title, Caption: caption, SVG: svg}, nil
}
