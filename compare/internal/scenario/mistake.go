package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// A Mistake is one thing in a scenario file that cannot be meant.
type Mistake struct {
	File         string
	Line, Column int // from 1
	Text         string
}

// Error gives the mistake as "FILE:LINE:COLUMN: text".
func (m Mistake) Error() string { return fmt.Sprintf("%s:%d:%d: %s", m.File, m.Line, m.Column, m.Text) }

// Mistakes are all that were found in a file, in the order of its lines. There is at
// least one.
type Mistakes []Mistake

// Error gives a line to each mistake.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, one := range m {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a [Mistake].
func (m Mistakes) Unwrap() []error {
	list := make([]error, len(m))
	for i, one := range m {
		list[i] = one
	}
	return list
}

func (m Mistakes) sort() {
	slices.SortStableFunc(m, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// instead says what else there is: the nearest of known if asked may be a misspelt
// one, and all of them otherwise.
func instead(asked string, known []string) string {
	if near := nearest(asked, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "there are " + strings.Join(known, ", ")
}

// nearest is what asked may be a misspelling of; empty if it is too far from all.
func nearest(asked string, known []string) string {
	if len(asked) > longestName {
		return ""
	}
	near, least := "", max(2, len(asked)/3)+1
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(asked), k); d < least {
			near, least = k, d
		}
	}
	return near
}

// longestName bounds what is compared letter by letter.
const longestName = 64
