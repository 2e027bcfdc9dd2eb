package figure

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// grid draws a line for each labelled tick, faint on light and dark alike.
func grid(p *plot.Plot) {
	g := plotter.NewGrid()
	faint := color.NRGBA{0x80, 0x80, 0x80, 0x48}
	g.Horizontal.Color, g.Vertical.Color = faint, faint
	g.Horizontal.Width, g.Vertical.Width = vg.Length(0.5), vg.Length(0.5)
	p.Add(g)
}
