// Package table is a table that looks right as text on a terminal, in Markdown
// and in HTML. It lays out what it is given and knows nothing of its meaning.
package table

import (
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A Table is a titled grid with notes below it.
type Table struct {
	ID      string // names the table in a page, for example "summary"
	Title   string
	Intro   string // one paragraph above the grid; may be empty
	Columns []Column
	Rows    []Row
	Notes   []string // below the grid
}

// A Column heads a column.
type Column struct {
	Head string // empty: the head to the left goes on, which Markdown repeats
	Unit string // below the head; may be empty
	Text bool   // left-aligned words, not figures
	Wrap int    // longest line on a terminal, 0 for any
}

// A Row is one line of the grid.
type Row struct {
	Cells []string
	// Group begins a new group of rows: a rule is drawn above it.
	Group bool
	// Bad marks a row whose figures must not be trusted.
	Bad bool
}

// Add appends a row.
func (t *Table) Add(cells ...string) *Row {
	t.Rows = append(t.Rows, Row{Cells: cells})
	return &t.Rows[len(t.Rows)-1]
}

// Note appends a line below the grid.
func (t *Table) Note(text string) { t.Notes = append(t.Notes, text) }

// WriteText writes the table for a terminal.
func (t *Table) WriteText(w io.Writer) error {
	p := t.pretty("\n", true)
	s := table.StyleLight
	s.Format.Header, s.Format.HeaderAlign = text.FormatDefault, text.AlignCenter
	s.Options.SeparateRows = false
	p.SetStyle(s)
	var b strings.Builder
	b.WriteString(t.Title + "\n")
	b.WriteString(p.Render() + "\n")
	for _, n := range t.Notes {
		b.WriteString("  " + strings.ReplaceAll(Wrap(n, 120), "\n", "\n  ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteMarkdown writes the table as a section of a Markdown file.
func (t *Table) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("## " + t.Title + "\n\n")
	if t.Intro != "" {
		b.WriteString(t.Intro + "\n\n")
	}
	t.grid(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteGrid writes the grid and the notes as Markdown, for a section with a title of
// its own.
func (t *Table) WriteGrid(w io.Writer) error {
	var b strings.Builder
	t.grid(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *Table) grid(b *strings.Builder) {
	if len(t.Rows) > 0 {
		b.WriteString(t.pretty(", ", false).RenderMarkdown() + "\n\n")
	}
	for _, n := range t.Notes {
		b.WriteString("- " + n + "\n")
	}
	if len(t.Notes) > 0 {
		b.WriteString("\n")
	}
}

// pretty lays the grid out; unit stands between a head and its unit, and long
// cells are broken into lines if wrap is set.
func (t *Table) pretty(unit string, wrap bool) table.Writer {
	p := table.NewWriter()
	p.SuppressTrailingSpaces()
	head := make(table.Row, len(t.Columns))
	configs := make([]table.ColumnConfig, len(t.Columns))
	group := ""
	for i, c := range t.Columns {
		h := c.Head
		if h != "" {
			group = h
		} else if !wrap {
			h = group
		}
		if c.Unit != "" {
			h += unit + c.Unit
		}
		head[i] = h
		align := text.AlignRight
		if c.Text {
			align = text.AlignLeft
		}
		configs[i] = table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align}
	}
	p.SetColumnConfigs(configs)
	p.AppendHeader(head)
	for i, r := range t.Rows {
		if r.Group && i > 0 {
			p.AppendSeparator()
		}
		row := make(table.Row, len(r.Cells))
		for i, c := range r.Cells {
			if n := t.Columns[i].Wrap; wrap && n > 0 {
				c = Wrap(c, n)
			}
			row[i] = c
		}
		p.AppendRow(row)
	}
	return p
}

// Wrap breaks text into lines of at most n characters where words allow it.
func Wrap(text string, n int) string {
	var b strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		used := 0
		for j, word := range strings.Fields(line) {
			switch l := len([]rune(word)); {
			case j == 0:
				used = l
			case used+1+l > n:
				b.WriteByte('\n')
				used = l
			default:
				b.WriteByte(' ')
				used += 1 + l
			}
			b.WriteString(word)
		}
	}
	return b.String()
}
