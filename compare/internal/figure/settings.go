package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Panel is one quantity over the settings, with its own axis from zero.
type Panel struct {
	Title string
	// Values has one for each setting of each line, NaN where there is none.
	Values [][]float64
	Tick   func(v float64) string // writes a value at the axis
}

// Settings draws panels side by side, two in a row, each with a line for each name
// over the same settings. Lines keep their colours. It returns nil if there is nothing
// to draw.
func Settings(id, title, caption, axis string, names, settings []string, panels []Panel) (*Figure, error) {
	const columns, height = 2, vg.Length(190)
	var drawn []*plot.Plot
	for _, panel := range panels {
		p, err := panel.plot(settings)
		if err != nil {
			return nil, err
		}
		if p != nil {
			p.X.Label.Text = axis
			drawn = append(drawn, p)
		}
	}
	if len(drawn) == 0 {
		return nil, nil
	}
	rows := (len(drawn) + columns - 1) / columns
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: 18, PadY: 14, PadTop: 4, PadRight: 6}
	grid := make([][]*plot.Plot, rows)
	for r := range grid {
		grid[r] = make([]*plot.Plot, columns)
		copy(grid[r], drawn[r*columns:min(len(drawn), (r+1)*columns)])
	}
	canvas := vgsvg.New(plotWidth, height*vg.Length(rows)+legendHeight)
	all := draw.New(canvas)
	style := text.Style{Color: color.Black, Font: face(fontSize), Handler: plot.DefaultTextHandler, YAlign: draw.YCenter}
	x, y := all.Min.X+4, all.Max.Y-legendHeight/2
	for i, name := range names {
		e := entry{name, Colour(i)}
		all.SetColor(e.colour)
		all.Fill(vg.Rectangle{Min: vg.Point{X: x, Y: y - swatch/2}, Max: vg.Point{X: x + swatch, Y: y + swatch/2}}.Path())
		all.FillText(style, vg.Point{X: x + swatch + 4, Y: y}, e.name)
		x += entryWidth(style, e)
	}
	for r, line := range plot.Align(grid, tiles, draw.Crop(all, 0, 0, 2, -legendHeight)) {
		for c, part := range line {
			if p := grid[r][c]; p != nil {
				p.Draw(part)
			}
		}
	}
	svg, err := element(canvas)
	if err != nil {
		return nil, err
	}
	return &Figure{ID: id, Title: title, Caption: caption, SVG: svg}, nil
}

// plot draws a panel, nil if it has no value.
func (panel Panel) plot(settings []string) (*plot.Plot, error) {
	p := newPlot()
	highest := 0.0
	for i, values := range panel.Values {
		var xy plotter.XYs
		for x, v := range values {
			if !math.IsNaN(v) {
				xy = append(xy, plotter.XY{X: float64(x), Y: v})
				highest = max(highest, v)
			}
		}
		if len(xy) == 0 {
			continue
		}
		line, marks, err := plotter.NewLinePoints(xy)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = Colour(i), vg.Length(1.4)
		marks.Color, marks.Radius, marks.Shape = Colour(i), vg.Length(2.6), draw.CircleGlyph{}
		p.Add(line, marks)
	}
	if highest == 0 {
		return nil, nil
	}
	p.Title.Text, p.Title.TextStyle.Font, p.Title.Padding = panel.Title, face(fontSize), 6
	p.NominalX(settings...)
	p.X.Min, p.X.Max = -0.3, float64(len(settings))-0.7
	p.Y.Min, p.Y.Max = 0, highest*1.08
	p.Y.Tick.Marker = valueTicks{panel.Tick}
	grid(p)
	return p, nil
}

// valueTicks labels a linear axis from zero.
type valueTicks struct{ write func(float64) string }

// Ticks implements plot.Ticker.
func (t valueTicks) Ticks(min, max float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(min, max)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = t.write(ticks[i].Value)
		}
	}
	return ticks
}
