package report

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"io"
	"path"
	"path/filepath"
	"strings"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/figure"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/sections"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// The files that WriteIndex makes.
const (
	IndexHTML     = "index.html"
	IndexMarkdown = "index.md"
)

// An entry of the index is one suite.
type entry struct {
	*digest.Suite
	Name   string // of its folder
	Link   string // to its report, from the index
	Valid  bool
	Tables []*table.Table // of a reproduction
}

// An index is one page over many suites.
type index struct {
	Lead         string
	Memory       *table.Table
	Picture      *figure.Figure // of Memory; nil if nothing was measured
	Reproduced   []entry
	Others       []entry
	Style        template.CSS
	Explanations []paragraph
}

// WriteIndex writes index.html and index.md into dir: every suite that repeats what
// somebody published with its table, the memory of all servers in one picture, and
// where all other suites are. Suites are in folders below dir.
func WriteIndex(dir string, suites []*digest.Suite) error {
	page, err := newIndex(dir, suites)
	if err != nil {
		return err
	}
	var html, md bytes.Buffer
	if err := pages.ExecuteTemplate(&html, "index.tmpl", page); err != nil {
		return fmt.Errorf("writing %s: %w", IndexHTML, err)
	}
	if err := page.markdown(&md); err != nil {
		return fmt.Errorf("writing %s: %w", IndexMarkdown, err)
	}
	for name, data := range map[string][]byte{IndexHTML: html.Bytes(), IndexMarkdown: md.Bytes()} {
		if err := replace(filepath.Join(dir, name), data); err != nil {
			return fmt.Errorf("writing the index: %w", err)
		}
	}
	return nil
}

func newIndex(dir string, suites []*digest.Suite) (*index, error) {
	rows := sections.Landscape(suites)
	p := &index{Style: template.CSS(styleSheet), Memory: sections.MemoryTable(rows)}
	for _, e := range reading {
		if e.Head == "VALID, INVALID." || e.Head == "The ledger." {
			p.Explanations = append(p.Explanations, e)
		}
	}
	var err error
	if p.Picture, err = landscape(rows); err != nil {
		return nil, err
	}
	for _, s := range suites {
		rel, err := filepath.Rel(dir, s.Dir)
		if err != nil {
			return nil, fmt.Errorf("linking to %s: %w", s.Dir, err)
		}
		e := entry{Suite: s, Name: filepath.Base(s.Dir), Link: path.Join(filepath.ToSlash(rel), HTMLFile), Valid: s.Verdict == results.Valid}
		if s.Reproduction == nil {
			p.Others = append(p.Others, e)
			continue
		}
		for _, t := range []*table.Table{sections.Published(s), sections.Extrapolated(s)} {
			if t != nil {
				t.ID = e.Name + "-" + t.ID // several of them are in the page
				e.Tables = append(e.Tables, t)
			}
		}
		p.Reproduced = append(p.Reproduced, e)
	}
	p.Lead = fmt.Sprintf("%s of what others published, and %s. Each links to its whole report; raw histograms and readings are beside it.",
		counted(len(p.Reproduced), "reproduction"), counted(len(p.Others), "further run"))
	return p, nil
}

func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return format.Whole(float64(n)) + " " + one + "s"
}

// landscape draws what an idle connection takes of every server.
func landscape(rows []sections.MemoryRow) (*figure.Figure, error) {
	segments := []figure.Segment{{Name: "user space (RSS)", Colour: figure.Colour(0)}, {Name: "kernel, the server's end", Colour: color.RGBA{0x98, 0x98, 0x98, 0xff}}}
	var bars []figure.Bar
	for _, r := range rows {
		name := r.Server
		if r.Kind != "Go" {
			name += " (" + r.Kind + ")"
		}
		bars = append(bars, figure.Bar{Name: name, Values: []float64{r.User, r.Kernel}})
	}
	return figure.Bars("memory-of-all", "Bytes per connection of all servers",
		"What one further idle connection takes: of the process, and of the kernel for the server's end.", "bytes per connection", segments, bars)
}

// markdown writes the index as Markdown, which links to Markdown.
func (p *index) markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# What others published, reproduced\n\n" + p.Lead + "\n\n")
	for _, e := range p.Reproduced {
		fmt.Fprintf(&b, "## %s\n\n**%s.** %s [Report](%s)\n\n", e.Title, e.Verdict, sections.Lead(e.Suite), e.markdownLink())
		for _, t := range e.Tables {
			fmt.Fprintf(&b, "### %s\n\n", t.Title)
			if err := t.WriteGrid(&b); err != nil {
				return err
			}
		}
	}
	if err := p.Memory.WriteMarkdown(&b); err != nil {
		return err
	}
	b.WriteString("## Further runs\n\n")
	for _, e := range p.Others {
		fmt.Fprintf(&b, "- [%s](%s): **%s.** %s\n", e.Name, e.markdownLink(), e.Verdict, sections.Lead(e.Suite))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (e entry) markdownLink() string { return strings.TrimSuffix(e.Link, HTMLFile) + MarkdownFile }

// Summary is the sentence below the title of the suite's report.
func (e entry) Summary() string { return sections.Lead(e.Suite) }
