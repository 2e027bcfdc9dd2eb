package table

import (
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"one two three", "one two\nthree"},
		{"a word that is unbreakable", "a word\nthat is\nunbreakable"},
		{"kept\nlines", "kept\nlines"},
		{"µµµµ µµµ", "µµµµ µµµ"}, // counted in characters
		{"", ""},
	} {
		if got := Wrap(tt.in, 8); got != tt.want {
			t.Errorf("Wrap(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestLayouts(t *testing.T) {
	t.Parallel()
	tab := &Table{
		Title: "Title", Columns: []Column{{Head: "name", Text: true, Wrap: 5}, {Head: "value", Unit: "B"}},
		Notes: []string{"a note"},
	}
	tab.Add("ab cd ef", "1,000")
	tab.Add("x|y", "2").Group = true
	var text, md strings.Builder
	if err := tab.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := tab.WriteMarkdown(&md); err != nil {
		t.Fatal(err)
	}
	wantText := `Title
┌───────┬───────┐
│ name  │ value │
│       │     B │
├───────┼───────┤
│ ab cd │ 1,000 │
│ ef    │       │
├───────┼───────┤
│ x|y   │     2 │
└───────┴───────┘
  a note
`
	if text.String() != wantText {
		t.Errorf("text is\n%s\nwant\n%s", text.String(), wantText)
	}
	wantMD := "## Title\n\n| name | value, B |\n|:--- | ---:|\n| ab cd ef | 1,000 |\n| x\\|y | 2 |\n\n- a note\n\n"
	if md.String() != wantMD {
		t.Errorf("markdown is\n%s\nwant\n%s", md.String(), wantMD)
	}
}
