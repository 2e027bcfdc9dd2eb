package sections

import (
	"fmt"
	"math"
	"strings"
	"unicode"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Published puts what somebody published beside what was measured here; nil for a
// suite that repeats nobody's.
func Published(s *digest.Suite) *table.Table {
	r := s.Reproduction
	if r == nil {
		return nil
	}
	t := &table.Table{
		ID: "published", Title: "Published beside measured",
		Intro: "What others published, where it was read and how far it can be trusted, beside the same workload on this machine.",
	}
	several, perCore, scales, notes := len(s.Arms) > 1, false, false, false
	for i := range r.Figures {
		f := &r.Figures[i]
		perCore, scales, notes = perCore || f.PerCore, scales || f.Scales, notes || f.Note != ""
	}
	t.Columns = []table.Column{{Head: "Figure", Text: true, Wrap: 26}, {Head: "published", Text: true, Wrap: 30}, {Head: "mark, source", Text: true, Wrap: 22}}
	if several {
		t.Columns = append(t.Columns, table.Column{Head: "Server", Text: true})
	}
	t.Columns = append(t.Columns, table.Column{Head: "measured", Unit: "here"})
	if scales {
		t.Columns = append(t.Columns, table.Column{Head: "scale", Unit: "N/published"})
	}
	if perCore {
		t.Columns = append(t.Columns, table.Column{Head: "per core", Unit: "published"}, table.Column{Head: "", Unit: "here"})
	}
	if notes {
		t.Columns = append(t.Columns, table.Column{Head: "Note", Text: true, Wrap: 48})
	}
	for i := range r.Figures {
		f := &r.Figures[i]
		for j, m := range measured(s, f) {
			cells := []string{f.Name, publishedText(f), string(f.Mark) + ", " + f.Source}
			note, scale := f.Note, ""
			if j > 0 {
				cells, note = []string{"", "", ""}, ""
			}
			if several {
				cells = append(cells, m.server)
			}
			cells = append(cells, m.here())
			if f.Scales {
				scale = format.Part(r.Scale())
			}
			if scales {
				cells = append(cells, scale)
			}
			if perCore {
				cells = append(cells, perCorePublished(r, f, m, j), perCoreHere(s, f, m))
			}
			if notes {
				cells = append(cells, note)
			}
			row := t.Add(cells...)
			row.Group, row.Bad = j == 0, m.bad
		}
	}
	t.Note(fmt.Sprintf("N/published = %s: %s connections here, %s in %s.", format.Part(r.Scale()), format.Whole(float64(r.Conns)), format.Whole(float64(r.Published)), r.Title))
	t.Note(fmt.Sprintf("Theirs: %s. Here: %s, %d cores that server and load generator share, %s, Linux %s.",
		theirs(r), s.Env.CPU, s.Env.Cores, format.Bytes(float64(s.Env.Memory)), s.Env.Kernel))
	for _, n := range publishedNotes(r) {
		t.Note(n)
	}
	return t
}

// theirs is the machine and the program that were published about.
func theirs(r *results.Reproduction) string {
	text := r.Machine
	if text == "" {
		text = "a machine that was not told"
	}
	if r.Software != "" {
		text += "; " + r.Software
	}
	return text
}

// nobodyMeasured stands for a figure that nobody published.
const nobodyMeasured = "claimed, no measurement published"

// publishedText is the published figure. One that was not found has no number.
func publishedText(f *results.PublishedFigure) string {
	if f.Mark != results.NotFound {
		return f.Text
	}
	if f.Text == "" || strings.ContainsFunc(f.Text, unicode.IsDigit) {
		return nobodyMeasured
	}
	return f.Text
}

// A figureHere is what stands beside a published figure.
type figureHere struct {
	server string
	value  float64 // NaN if it was not measured
	asked  float64 // what the load generator was asked for of it; 0 if it was free
	aside  string  // what has to be known beside it
	unit   digest.Unit
	single bool // one operation was timed by itself
	none   bool // nothing is measured that could stand there
	bad    bool // the arm is INVALID
}

// text writes v in the unit of the figure.
func (m figureHere) text(v float64) string {
	switch {
	case m.none || math.IsNaN(v):
		return format.Unknown
	case m.unit == digest.PerSecond && math.Abs(v) < 100: // a rate of few connections is worth its digits
		return format.Factor(v) + "/s"
	case m.unit == digest.PerSecond:
		return value(v, m.unit) + "/s"
	case m.single && m.unit == digest.Nanoseconds: // as such times are published
		return format.Whole(v) + " ns"
	case m.single && m.unit == digest.Bytes:
		return format.Whole(v) + " B"
	case m.unit == digest.BytesPerConn:
		return value(v, m.unit) + " B/conn"
	case m.unit == digest.Cores:
		return format.Factor(v) + " cores" // idle ones are a small part of one
	}
	return strings.TrimSpace(value(v, m.unit) + " " + unitName(m.unit))
}

// here is the figure as it was measured, with a word of warning where it must not be
// quoted.
func (m figureHere) here() string {
	text := m.text(m.value)
	if m.asked > 0 && text != format.Unknown {
		text += " of " + m.text(m.asked) + " asked"
	}
	if m.aside != "" && text != format.Unknown {
		text += " (" + m.aside + ")"
	}
	if m.bad && text != format.Unknown {
		text += " (" + string(results.Invalid) + ")"
	}
	return text
}

// measured is what was measured here for a figure: once for each arm that it is about,
// or once.
func measured(s *digest.Suite, f *results.PublishedFigure) []figureHere {
	q, ok := digest.QuantityNamed(f.Quantity)
	if !ok {
		return []figureHere{{none: true, value: math.NaN()}}
	}
	if q.Whole() {
		v, ok := q.OfSuite(s)
		if !ok {
			v = math.NaN()
		}
		return []figureHere{{value: v, unit: q.Unit, single: true}}
	}
	var list []figureHere
	for _, a := range s.Arms {
		if f.Arm != "" && f.Arm != a.Name {
			continue
		}
		m := figureHere{server: a.Name, value: a.Summary(q).Median, unit: q.Unit, bad: a.Verdict != results.Valid}
		if runs := a.Counted(); len(runs) > 0 {
			m.asked, _ = q.Asked(runs[0]) // the same in all
			m.aside = q.Aside(runs[0])
		}
		list = append(list, m)
	}
	if len(list) == 0 { // its arm was left out
		return []figureHere{{server: f.Arm, value: math.NaN(), unit: q.Unit}}
	}
	return list
}

func perCorePublished(r *results.Reproduction, f *results.PublishedFigure, m figureHere, row int) string {
	switch {
	case !f.PerCore || row > 0 || f.Mark == results.NotFound || f.Value == 0:
		return ""
	case r.Cores == 0:
		return "cores not told"
	}
	return m.text(f.Value / float64(r.Cores))
}

func perCoreHere(s *digest.Suite, f *results.PublishedFigure, m figureHere) string {
	if !f.PerCore || s.Env.Cores == 0 {
		return ""
	}
	return m.text(m.value / float64(s.Env.Cores))
}

// marks explains them, in the order in which a reader trusts them.
var marks = []struct {
	mark results.Mark
	text string
}{
	{results.Primary, "read in the author's own text or screenshots"},
	{results.Secondary, "quoted by somebody else"},
	{results.Code, "read in the author's code"},
	{results.Derived, "arithmetic from other published figures"},
	{results.NotFound, "claimed or asked for, and no measurement is published"},
}

// publishedNotes are the sources, what the marks mean, what was assumed, and why a
// figure here and one there may not be the same.
func publishedNotes(r *results.Reproduction) []string {
	var notes, used []string
	for _, src := range r.Sources {
		text := fmt.Sprintf("Source %s: %s", src.Key, src.Title)
		if src.Date != "" {
			text += ", " + src.Date
		}
		if src.Where != "" {
			text += " (" + src.Where + ")"
		}
		notes = append(notes, text+".")
	}
	for _, m := range marks {
		for i := range r.Figures {
			if r.Figures[i].Mark == m.mark {
				used = append(used, string(m.mark)+" = "+m.text)
				break
			}
		}
	}
	if len(used) > 0 {
		notes = append(notes, "Marks: "+strings.Join(used, "; ")+".")
	}
	for i := range r.Figures {
		if r.Figures[i].PerCore {
			notes = append(notes, "Per core: the figure divided by all logical cores of the machine. Here they carry the load generator as well.")
			break
		}
	}
	for _, a := range r.Assumed {
		notes = append(notes, "Assumed: "+sentence(a))
	}
	for _, c := range r.Caveats {
		notes = append(notes, "Not the same: "+sentence(c))
	}
	return notes
}

// sentence ends with a full stop.
func sentence(text string) string {
	return strings.TrimSuffix(strings.TrimSpace(text), ".") + "."
}
