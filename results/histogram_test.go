package results

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHistogramKeepsThreeDigitsOverTheWholeRange(t *testing.T) {
	for v := float64(LowestValue); v <= float64(HighestValue); v *= 1.37 {
		h := NewHistogram()
		d := time.Duration(v)
		h.Record(d)
		got := h.Quantile(0.5)
		if diff := math.Abs(float64(got - d)); diff > float64(d)/1000 {
			t.Errorf("recorded %v, read back %v: off by %.3f %%", d, got, 100*diff/float64(d))
		}
		if h.Min() > d || h.Max() < d {
			t.Errorf("recorded %v, outside of min %v to max %v", d, h.Min(), h.Max())
		}
	}
}

func TestHistogramCountsOutOfRangeApart(t *testing.T) {
	h := NewHistogram()
	for _, d := range []time.Duration{-time.Second, 0, LowestValue - 1, LowestValue, HighestValue, HighestValue + 1, math.MaxInt64} {
		h.Record(d)
	}
	m := h.Metric("response", "f.hlog")
	if m.Count != 2 || m.Below != 3 || m.Above != 2 {
		t.Errorf("got count %d, below %d, above %d, want 2, 3, 2", m.Count, m.Below, m.Above)
	}
	if m.Min > LowestValue || m.Max < HighestValue || m.Max > HighestValue+HighestValue/1000 {
		t.Errorf("min %v and max %v are not those of the values in range", m.Min, m.Max)
	}
	h.Reset()
	if got, want := h.Metric("x", ""), (Metric{Name: "x", Unit: "ns"}); got != want {
		t.Errorf("after Reset: %+v, want %+v", got, want)
	}
}

func TestHistogramQuantilesOfAKnownDistribution(t *testing.T) {
	h := NewHistogram()
	for i := 1; i <= 100_000; i++ {
		h.Record(time.Duration(i) * 10 * time.Microsecond)
	}
	m := h.Metric("service", "")
	for _, c := range []struct {
		name      string
		got, want time.Duration
	}{
		{"p50", m.P50, 500 * time.Millisecond}, {"p90", m.P90, 900 * time.Millisecond},
		{"p99", m.P99, 990 * time.Millisecond}, {"p99.9", m.P999, 999 * time.Millisecond},
		{"p99.99", m.P9999, 999_900 * time.Microsecond}, {"max", m.Max, time.Second},
		{"mean", m.Mean, 500_005 * time.Microsecond}, {"min", m.Min, 10 * time.Microsecond},
	} {
		if math.Abs(float64(c.got-c.want)) > float64(c.want)/1000 {
			t.Errorf("%s is %v, want %v within 0.1 %%", c.name, c.got, c.want)
		}
	}
	points := h.Distribution(5)
	last := points[len(points)-1]
	if last.Quantile != 1 || last.Value != m.Max || last.Count != m.Count {
		t.Errorf("the spectrum ends with %+v, want quantile 1, value %v, count %d", last, m.Max, m.Count)
	}
	for i := 1; i < len(points); i++ {
		if points[i].Quantile < points[i-1].Quantile || points[i].Value < points[i-1].Value {
			t.Fatalf("the spectrum falls from %+v to %+v", points[i-1], points[i])
		}
	}
}

func TestHistogramMergeEqualsRecordingInOne(t *testing.T) {
	one, a, b := NewHistogram(), NewHistogram(), NewHistogram()
	for i := range 10_000 {
		d := time.Duration(i*i) * 700 // 0 to 70 s: some below and some above the range
		one.Record(d)
		if i%3 == 0 {
			a.Record(d)
		} else {
			b.Record(d)
		}
	}
	a.Merge(b)
	if diff := cmp.Diff(one.Metric("x", ""), a.Metric("x", "")); diff != "" {
		t.Errorf("merged differs from recorded in one (-one +merged):\n%s", diff)
	}
	if one.Below() == 0 || one.Above() == 0 {
		t.Fatal("the test records nothing outside of the range")
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	h := NewHistogram()
	n := testing.AllocsPerRun(1000, func() {
		h.Record(123 * time.Microsecond)
		h.Record(0)
		h.Record(time.Hour)
	})
	if n != 0 {
		t.Errorf("Record allocates %v times", n)
	}
	if n := testing.AllocsPerRun(10, h.Reset); n != 0 {
		t.Errorf("Reset allocates %v times", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	h := NewHistogram()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.Record(time.Duration(i&0xfffff) * 10)
	}
}
