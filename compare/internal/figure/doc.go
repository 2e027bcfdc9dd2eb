// Package figure draws the plots of a report as inline SVG: percentile spectra,
// stacked memory bars, and the course of a time over a window. Lines and text
// take the colour of the page around them, so a figure fits a light and a dark
// page. It draws what it is given and knows nothing of runs.
package figure

import (
	"bytes"
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Figure is one drawing.
type Figure struct {
	ID      string // names the figure in a page
	Title   string
	Caption string
	SVG     []byte // one svg element, sized by the page
}

// Colour returns a colour for the i-th thing in a figure, from the palette of
// Okabe and Ito, which people with colour blindness can tell apart and which
// stands out from white and from black.
func Colour(i int) color.Color {
	palette := []color.RGBA{
		{0x00, 0x72, 0xb2, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xcc, 0x79, 0xa7, 0xff},
		{0xd5, 0x5e, 0x00, 0xff}, {0x56, 0xb4, 0xe9, 0xff}, {0x94, 0x6c, 0xd9, 0xff}, {0x8c, 0x8c, 0x8c, 0xff},
	}
	return palette[i%len(palette)]
}

// entry is one line of a legend.
type entry struct {
	name   string
	colour color.Color
}

const (
	fontSize     = vg.Length(11)
	legendHeight = vg.Length(18)
	swatch       = vg.Length(10)
)

// face is a sans-serif font for text in a figure. The page may replace it.
func face(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// newPlot returns a plot in the style of all figures.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = face(fontSize)
		a.Tick.Label.Font = face(fontSize)
		a.Tick.LineStyle.Width = vg.Length(0.5)
		a.LineStyle.Width = vg.Length(0.5)
		a.Label.Padding = 4
		a.Padding = 0
	}
	return p
}

// render draws a plot below its legend and returns the svg element.
func render(p *plot.Plot, legend []entry, width, height vg.Length) ([]byte, error) {
	style := text.Style{Color: color.Black, Font: face(fontSize), Handler: plot.DefaultTextHandler, YAlign: draw.YCenter}
	rows := legendRows(style, legend, width)
	canvas := vgsvg.New(width, height+legendHeight*vg.Length(len(rows)))
	all := draw.New(canvas)
	top := all.Max.Y
	for _, row := range rows {
		x := all.Min.X + 4
		for _, e := range row {
			y := top - legendHeight/2
			all.SetColor(e.colour)
			all.Fill(vg.Rectangle{Min: vg.Point{X: x, Y: y - swatch/2}, Max: vg.Point{X: x + swatch, Y: y + swatch/2}}.Path())
			all.FillText(style, vg.Point{X: x + swatch + 4, Y: y}, e.name)
			x += entryWidth(style, e)
		}
		top -= legendHeight
	}
	p.Draw(draw.Crop(all, 0, -6, 2, top-all.Max.Y-4))
	return element(canvas)
}

func entryWidth(s text.Style, e entry) vg.Length { return swatch + 4 + s.Width(e.name) + 16 }

// legendRows breaks a legend into rows that fit.
func legendRows(s text.Style, legend []entry, width vg.Length) [][]entry {
	var rows [][]entry
	left := vg.Length(0)
	for _, e := range legend {
		w := entryWidth(s, e)
		if w > left {
			rows = append(rows, nil)
			left = width - 4
		}
		left -= w
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
	}
	return rows
}

// element cuts the svg element out of a document, lets the page decide its
// size, and replaces black by the colour of the text around.
func element(c *vgsvg.Canvas) ([]byte, error) {
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("drawing figure: %w", err)
	}
	doc := b.Bytes()
	start := bytes.Index(doc, []byte("viewBox="))
	if start < 0 {
		return nil, fmt.Errorf("drawing figure: the drawing has no viewBox")
	}
	doc = append([]byte(`<svg fill="currentColor" role="img" `), doc[start:]...)
	doc = bytes.ReplaceAll(doc, []byte("stroke:#000000"), []byte("stroke:currentColor"))
	return bytes.ReplaceAll(doc, []byte(` xmlns:xlink="http://www.w3.org/1999/xlink"`), nil), nil
}

// Standalone is the figure as a file of its own, with a colour for text on
// light and dark pages.
func (f *Figure) Standalone() []byte {
	const style = `<style>svg{color:#1d2329}@media (prefers-color-scheme:dark){svg{color:#e3e8ed}}` +
		`text{font-family:"Liberation Sans",Arial,Helvetica,sans-serif !important}</style>`
	open, rest, _ := bytes.Cut(f.SVG, []byte{'>'})
	return slices.Concat([]byte("<?xml version=\"1.0\"?>\n"), open, []byte{'>'}, []byte(style), rest)
}
