package report

import (
	"embed"
	"html/template"
	"io"
	"slices"
	"strings"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/figure"
	"signalbench/compare/internal/sections"
	"signalbench/compare/internal/stat"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

//go:embed report.css
var styleSheet string

//go:embed *.tmpl
var templates embed.FS

// pages are the templates of whole pages and of what they share.
var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"svg":  func(f *figure.Figure) template.HTML { return template.HTML(f.SVG) },
	"cell": cell,
}).ParseFS(templates, "*.tmpl"))

// cell is the class of a column's cells: words are left-aligned, and broken into lines
// where a terminal breaks them as well.
func cell(c table.Column) template.HTMLAttr {
	switch {
	case c.Wrap > 0:
		return ` class="text wrap"`
	case c.Text:
		return ` class="text"`
	}
	return ""
}

// block is a table with the figures that stand below it.
type block struct {
	*table.Table
	Figures []*figure.Figure
	Folded  bool
}

// below says which figures stand below which table.
var below = map[string][]string{
	"summary":    {"memory", "response"},
	"latency":    {"course", "upgrade"},
	"throughput": {"closed"},
	"hold":       {"heartbeat"},
	"connecting": {"connections", "ramp"},

	"relay":       {"relayed", "joined"},
	"push":        {"pushed"},
	"fanout":      {"reached", "deliveries"},
	"storm":       {"back"},
	"adversaries": {"beside"},
}

// machineFigure begins the names of the figures of each arm below the ledger.
const machineFigure = "machine-"

// folded are the tables that a reader opens when needed.
var folded = map[string]bool{"steps": true, "environment": true, "medians": true, "against": true, "objects": true, "connecting": true}

// HTML writes the whole report as one page without any reference outside.
func HTML(w io.Writer, s *digest.Suite, figures []*figure.Figure, larger ...*digest.Suite) error {
	var blocks []block
	for _, t := range sections.All(s, larger...) {
		b := block{Table: t, Folded: folded[t.ID]}
		for _, id := range below[t.ID] {
			if f := figureByID(figures, id); f != nil {
				b.Figures = append(b.Figures, f)
			}
		}
		for _, f := range figures {
			if t.ID == "ledger" && strings.HasPrefix(f.ID, machineFigure) {
				b.Figures = append(b.Figures, f)
			}
		}
		blocks = append(blocks, b)
	}
	var reasons []digest.Finding
	for _, f := range s.Findings() {
		if f.Severity == results.Fatal {
			reasons = append(reasons, f)
		}
	}
	const most = 5
	more := max(0, len(reasons)-most)
	return pages.ExecuteTemplate(w, "report.tmpl", struct {
		Suite   *digest.Suite
		Style   template.CSS
		Valid   bool
		Kit     bool // every arm was to pass the conformance kit
		Lead    string
		Reasons []digest.Finding
		More    int
		NoClaim string // why no figure carries a claim, empty if they may
		Blocks  []block
		Reading []paragraph
	}{s, template.CSS(styleSheet), s.Verdict == results.Valid, !slices.ContainsFunc(s.Arms, (*digest.Arm).Raw), sections.Lead(s), reasons[:len(reasons)-more], more, noClaim(s), blocks, reading})
}

func noClaim(s *digest.Suite) string {
	if s.NoClaim != "" {
		return s.NoClaim
	}
	return stat.Support(s.Repetitions)
}
