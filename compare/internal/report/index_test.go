package report_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/report"
)

// The index links to reports beside it and to nothing else, and its picture has each
// server once.
func TestIndex(t *testing.T) {
	t.Parallel()
	all := open(t)
	if err := report.WriteIndex(folder, []*digest.Suite{all["published"], all["mixed"], all["valid"]}); err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(filepath.Join(folder, report.IndexHTML))
	if err != nil {
		t.Fatal(err)
	}
	var links []string
	for _, m := range regexp.MustCompile(`(?i)(?:src|href)\s*=\s*"([^#"][^"]*)`).FindAllSubmatch(html, -1) {
		links = append(links, string(m[1]))
	}
	if got, want := strings.Join(links, " "), "published/report.html mixed/report.html valid/report.html"; got != want {
		t.Errorf("the page refers to %q, want %q", got, want)
	}
	if at := regexp.MustCompile(`(?i)url\(|@import|<script|<link`).Find(html); at != nil {
		t.Errorf("the page has %q", at)
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllSubmatch(html, -1) {
		if ids[string(m[1])] {
			t.Errorf("id %q stands in the page twice", m[1])
		}
		ids[string(m[1])] = true
	}
	md, err := os.ReadFile(filepath.Join(folder, report.IndexMarkdown))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "index.md", md)
}
