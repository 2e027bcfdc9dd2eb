package sections

import (
	"fmt"
	"math"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Extrapolated is what the figures of a reproduction lead to expect at the published
// size, or on a machine as fast as the published one. It stands apart from what was
// measured; nil if there is nothing.
func Extrapolated(s *digest.Suite) *table.Table {
	r := s.Reproduction
	if r == nil {
		return nil
	}
	t := &table.Table{
		ID: "extrapolated", Title: "Extrapolated to what was published, not measured",
		Columns: []table.Column{
			{Head: "Figure", Text: true, Wrap: 26}, {Head: "Server", Text: true}, {Head: "measured", Unit: "here"}, {Head: "extrapolated"},
			{Head: "published", Text: true, Wrap: 30}, {Head: "how", Text: true, Wrap: 60},
		},
	}
	for i := range r.Figures {
		f := &r.Figures[i]
		if !f.Scales || r.Conns >= r.Published {
			continue
		}
		for _, m := range measured(s, f) {
			if math.IsNaN(m.value) || m.value <= 0 || m.asked > 0 || m.aside != "" {
				continue // what somebody's timers make in proportion comes to the published figure by itself
			}
			there, how := extrapolate(s, f, m)
			t.Add(f.Name, m.server, m.here(), there, publishedText(f), how).Bad = m.bad
		}
	}
	speed(t, s)
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

// extrapolate says what a figure comes to at the published number of connections, and
// how that was reckoned. Of memory there is a line; other figures have one point.
func extrapolate(s *digest.Suite, f *results.PublishedFigure, m figureHere) (there, how string) {
	r := s.Reproduction
	here, published := format.Whole(float64(r.Conns)), format.Whole(float64(r.Published))
	if q, ok := digest.QuantityNamed(f.Quantity); ok {
		if a := s.Arm(m.server); a != nil {
			if v, ok := a.AtConns(q, r.Published); ok {
				return around(v, m.text), fmt.Sprintf("the line through the plateaus up to %s connections, drawn on to %s; in brackets its 95 %% interval", here, published)
			}
		}
	}
	return m.text(m.value / r.Scale()), fmt.Sprintf("measured with %s connections, times %s (%s / %s), as if it grew in proportion to them", here, format.Factor(1/r.Scale()), published, here)
}

// speed scales operations that were timed by themselves to the published machine: the
// first of them that is published says how much faster this one is.
func speed(t *table.Table, s *digest.Suite) {
	var reference string
	factor := 0.0
	for i := range s.Reproduction.Figures {
		f := &s.Reproduction.Figures[i]
		q, ok := digest.QuantityNamed(f.Quantity)
		if !ok || !q.Whole() || q.Unit != digest.Nanoseconds || f.Value == 0 || f.Mark == results.NotFound {
			continue
		}
		here, ok := q.OfSuite(s)
		if !ok || here <= 0 {
			continue
		}
		m := figureHere{value: here, unit: q.Unit, single: true}
		if reference == "" {
			reference, factor = f.Name, f.Value/here
			t.Note(fmt.Sprintf("CPU factor: %s, %s published divided by %s measured here = %s. It is how many times as long this operation took there, the Go release and the library's included, and says nothing of other operations.",
				reference, m.text(f.Value), m.text(here), format.Factor(factor)))
			continue
		}
		t.Add(f.Name, "", m.text(here), m.text(here*factor), publishedText(f), "measured here, times the CPU factor of "+format.Factor(factor)+" from "+reference)
	}
}
