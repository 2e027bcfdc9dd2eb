package figure

import (
	"bytes"
	"math"
	"testing"
	"time"

	"signalbench/results"
)

// Every further nine takes the same room.
func TestPercentileScale(t *testing.T) {
	t.Parallel()
	for q, want := range map[float64]float64{0: 0, 0.9: 0.25, 0.99: 0.5, 0.999: 0.75, 0.9999: 1} {
		if got := (percentileScale{}).Normalize(0, 0.9999, q); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v stands at %v, want %v", q, got, want)
		}
	}
	var labels []string
	for _, tick := range (percentileScale{}).Ticks(0, 0.9995) {
		labels = append(labels, tick.Label)
	}
	if want := []string{"0 %", "50 %", "90 %", "99 %", "99.9 %"}; len(labels) != len(want) || labels[4] != want[4] {
		t.Errorf("labels %v, want %v", labels, want)
	}
}

func TestTimeRange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ low, high, from, to float64 }{
		{1.3e5, 4.2e6, 1e5, 5e6},
		{1e5, 1e6, 1e5, 1e6},
		{1.3e5, 1.4e5, 1e5, 5e5}, // never a line without room
		{9.1e5, 9.9e8, 5e5, 1e9},
	} {
		if from, to := timeRange(tt.low, tt.high); math.Abs(from/tt.from-1) > 1e-9 || math.Abs(to/tt.to-1) > 1e-9 {
			t.Errorf("around %v and %v: %v to %v, want %v to %v", tt.low, tt.high, from, to, tt.from, tt.to)
		}
	}
}

func TestNothingToDraw(t *testing.T) {
	t.Parallel()
	if f, err := Spectrum("x", "", "", []Line{{Name: "a"}, {Name: "b", Histogram: results.NewHistogram()}}); f != nil || err != nil {
		t.Errorf("Spectrum = %v, %v", f, err)
	}
	if f, err := Course("x", "", "", []Track{{Name: "a"}}); f != nil || err != nil {
		t.Errorf("Course = %v, %v", f, err)
	}
	if f, err := Timeline("x", "", "", "", []Curve{{Name: "a"}, {Name: "b", Points: []Point{{0, -1}, {time.Second, -1}}}}); f != nil || err != nil {
		t.Errorf("Timeline = %v, %v", f, err)
	}
	if f, err := Bars("x", "", "", "", []Segment{{Name: "s", Colour: Colour(0)}}, []Bar{{Name: "a", Values: []float64{0}}}); f != nil || err != nil {
		t.Errorf("Bars = %v, %v", f, err)
	}
}

// One value is a distribution too.
func TestSpectrumOfOneValue(t *testing.T) {
	t.Parallel()
	h := results.NewHistogram()
	h.Record(3 * time.Millisecond)
	f, err := Spectrum("x", "title", "", []Line{{Name: "alone", Histogram: h}})
	if err != nil || f == nil {
		t.Fatalf("Spectrum = %v, %v", f, err)
	}
	if !bytes.Contains(f.SVG, []byte("alone")) || bytes.Contains(f.SVG, []byte("NaN")) || bytes.Contains(f.SVG, []byte("Inf")) {
		t.Errorf("%s", f.SVG)
	}
}
