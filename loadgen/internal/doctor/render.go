package doctor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A Report is what Check found, as JSON shows it.
type Report struct {
	Conns  int64 `json:"conns"`
	OK     bool  `json:"ok"`     // nothing but soft limits is too low
	Fits   int64 `json:"fits"`   // connections
	Raised int64 `json:"raised"` // connections that fit once every setting is high enough
	// Refusal says in several lines why the plan does not fit and what to do;
	// empty if it does.
	Refusal string  `json:"refusal,omitempty"`
	First   *Limit  `json:"first,omitempty"`
	Limits  []Limit `json:"limits"`
}

// NewReport sums up the limits of a plan.
func NewReport(p Plan, limits []Limit) Report {
	r := Report{Conns: p.Conns, OK: true, Fits: Fits(limits), Raised: Raised(limits), Limits: limits}
	if l, ok := FirstBite(limits); ok {
		r.OK, r.First = false, &l
		r.Refusal = r.refusal()
	}
	return r
}

// refusal names every limit that is too low with the connections that it lets
// in, the one that bites first before the others, and then all that can be done
// about them at once.
func (r Report) refusal() string {
	short := slices.DeleteFunc(slices.Clone(r.Limits), func(l Limit) bool { return l.OK || l.Soft })
	slices.SortStableFunc(short, func(a, b Limit) int { return cmp.Compare(a.Fits, b.Fits) })
	var b strings.Builder
	fmt.Fprintf(&b, "%s connections do not fit, %s do:\n", amount(r.Conns, ""), amount(r.Fits, ""))
	for _, l := range short {
		fmt.Fprintf(&b, "  %s\n", l)
	}
	var raise []string
	for _, l := range r.Limits {
		switch {
		case l.Fix == "" || l.Physical:
		case l.Soft:
			raise = append(raise, l.Fix+" # costs time where it is low, and no connection")
		default:
			raise = append(raise, l.Fix)
		}
	}
	if len(raise) > 0 {
		fmt.Fprintf(&b, "to raise what is too low:\n  %s\n", strings.Join(raise, "\n  "))
	}
	for _, l := range short {
		if l.Physical {
			fmt.Fprintf(&b, "no setting raises %s, which holds %s connections: %s\n", l.Name, amount(l.Fits, ""), l.Fix)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// WriteSettings writes the kernel settings that are too low with the values that
// they need, a line each, as sysctl.conf(5) has them.
func (r Report) WriteSettings(w io.Writer) error {
	for _, l := range r.Limits {
		for _, s := range l.Settings {
			if _, err := fmt.Fprintf(w, "%s=%s\n", s.Name, s.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// WriteJSON writes the report as indented JSON.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes the report as a table, then what bites first, and the
// commands that raise what is too low.
func (r Report) WriteText(w io.Writer) error {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.Options{SeparateHeader: true, DrawBorder: false, SeparateColumns: false}
	right := func(name string) table.ColumnConfig {
		return table.ColumnConfig{Name: name, Align: text.AlignRight, AlignHeader: text.AlignRight}
	}
	t.SetColumnConfigs([]table.ColumnConfig{right("left"), right("needed"), right("fits")})
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(table.Row{"limit", "side", "left", "needed", "fits", ""})
	for _, l := range r.Limits {
		have, fits, state := "not known", "", "ok"
		if l.Have >= 0 {
			have = most(l.Have, l.Unit)
		}
		if l.Fits >= 0 {
			fits = most(l.Fits, "")
		}
		switch {
		case l.Have < 0:
			state = "?"
		case !l.OK && l.Soft:
			state = "low"
		case !l.OK:
			state = "TOO LOW"
		}
		t.AppendRow(table.Row{l.Name, l.Side, have, most(l.Need, l.Unit), fits, state})
	}
	var b strings.Builder
	b.WriteString(t.Render())
	b.WriteByte('\n')
	if r.First != nil {
		fmt.Fprintf(&b, "\n%s connections do not fit. What bites first: %s", amount(r.Conns, ""), r.First)
		if r.Raised < r.Conns {
			fmt.Fprintf(&b, "; no setting makes more fit than %s", amount(r.Raised, ""))
		}
		b.WriteByte('\n')
	} else {
		fmt.Fprintf(&b, "\n%s connections fit; the most that would is %s.\n", amount(r.Conns, ""), most(r.Fits, ""))
	}
	for _, l := range r.Limits {
		if l.Fix != "" {
			fmt.Fprintf(&b, "  %-8s %s\n", l.Side, l.Fix)
		}
	}
	for _, l := range r.Limits {
		if l.Note != "" {
			fmt.Fprintf(&b, "  note: %s (%s): %s\n", l.Name, l.Side, l.Note)
		}
	}
	_, err := io.WriteString(w, trimLines(b.String()))
	return err
}

// trimLines removes the padding behind the last column.
func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// most writes a number, and none for one that is no limit at all.
func most(v int64, unit string) string {
	if v > 1<<50 {
		return "no limit"
	}
	return amount(v, unit)
}
