// Package report writes a comparison for readers: tables on a terminal,
// report.md, one self-contained report.html that needs no network, and the
// figures as files of their own. What the tables say is decided in sections.
package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/figure"
	"signalbench/compare/internal/sections"
)

// The files that Write makes in the folder of a suite.
const (
	MarkdownFile = "report.md"
	HTMLFile     = "report.html"
	FigureFolder = "figures"
)

// Write writes report.md, report.html and figures/*.svg into dir, over those of
// an earlier report. Projections are checked against larger, of any number; so
// they are by all functions of this package.
func Write(dir string, s *digest.Suite, larger ...*digest.Suite) error {
	figures, err := Figures(s)
	if err != nil {
		return err
	}
	var md, page bytes.Buffer
	if err := Markdown(&md, s, larger...); err != nil {
		return fmt.Errorf("writing %s: %w", MarkdownFile, err)
	}
	if err := HTML(&page, s, figures, larger...); err != nil {
		return fmt.Errorf("writing %s: %w", HTMLFile, err)
	}
	files := map[string][]byte{MarkdownFile: md.Bytes(), HTMLFile: page.Bytes()}
	for _, f := range figures {
		files[filepath.Join(FigureFolder, f.ID+".svg")] = f.Standalone()
	}
	if err := os.MkdirAll(filepath.Join(dir, FigureFolder), 0o755); err != nil {
		return fmt.Errorf("writing report: %w", err)
	}
	for name, data := range files {
		if err := replace(filepath.Join(dir, name), data); err != nil {
			return fmt.Errorf("writing report: %w", err)
		}
	}
	return nil
}

// replace writes a file whole or not at all.
func replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".tmp-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// Text writes what belongs on a terminal: the tables of figures, and the
// findings that are more than notes.
func Text(w io.Writer, s *digest.Suite, larger ...*digest.Suite) error {
	for _, t := range sections.Brief(s, larger...) {
		if err := t.WriteText(w); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return nil
}

// Markdown writes the whole report as Markdown.
func Markdown(w io.Writer, s *digest.Suite, larger ...*digest.Suite) error {
	if _, err := fmt.Fprintf(w, "# %s\n\n**%s.** %s\n\n", s.Title, s.Verdict, sections.Lead(s)); err != nil {
		return err
	}
	for _, t := range sections.All(s, larger...) {
		if err := t.WriteMarkdown(w); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "## How to read this\n\n")
	for _, p := range reading {
		if err == nil {
			_, err = fmt.Fprintf(w, "**%s** %s\n\n", p.Head, p.Text)
		}
	}
	return err
}

// figureByID finds a figure.
func figureByID(list []*figure.Figure, id string) *figure.Figure {
	for _, f := range list {
		if f.ID == id {
			return f
		}
	}
	return nil
}
