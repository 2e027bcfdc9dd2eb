package figure

import (
	"bytes"
	"testing"
	"time"
)

// What has nothing to show is no figure, and what has one thing leaves out the
// others.
func TestEmpty(t *testing.T) {
	t.Parallel()
	rows := []Range{{Name: "a", At: []time.Duration{0, 0}}}
	pairs := []Pair{{Name: "a"}}
	lines := []Arrival{{Name: "a"}, {Name: "b", After: []time.Duration{time.Second}, Share: []float64{1}}}
	draw := func() []*Figure {
		var list []*Figure
		for _, f := range []func() (*Figure, error){
			func() (*Figure, error) { return Ranges("r", "", "", "", []string{"first", "last"}, rows) },
			func() (*Figure, error) { return Pairs("p", "", "", "", "value", "bare", pairs) },
			func() (*Figure, error) { return Arrivals("a", "", "", "", lines) },
		} {
			fig, err := f()
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, fig)
		}
		return list
	}
	for i, f := range draw() {
		if f != nil {
			t.Errorf("figure %d of nothing is %s", i, f.SVG)
		}
	}
	rows = append(rows, Range{Name: "shown", At: []time.Duration{0, time.Second}})
	pairs = append(pairs, Pair{Name: "shown", Value: 3})
	lines = append(lines, Arrival{Name: "shown", After: []time.Duration{time.Second, 2 * time.Second}, Share: []float64{0, 1}})
	for i, f := range draw() {
		if f == nil || !bytes.Contains(f.SVG, []byte(">shown</text>")) {
			t.Fatalf("figure %d does not show what it has", i)
		}
		if bytes.Contains(f.SVG, []byte(">bare</text>")) || bytes.Contains(f.SVG, []byte(">first</text>")) {
			t.Errorf("figure %d explains what it does not show: %s", i, f.SVG)
		}
	}
}
