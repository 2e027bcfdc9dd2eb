package results

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The range of every histogram. Values outside are counted apart.
const (
	LowestValue  = time.Microsecond
	HighestValue = 60 * time.Second
	// digits is the number of significant decimal digits that are kept.
	digits = 3
	// unit is the lowest discernible value given to the HDR histogram. It is
	// 1 ns and not LowestValue: with 1 us the buckets would be 512 ns wide up to
	// 1 ms, which is one digit and not three at the low end.
	unit = 1
)

// A Histogram counts durations in nanoseconds from LowestValue to HighestValue
// with 3 significant digits (an HdrHistogram). What is outside is counted in
// Below and Above and is in no quantile. It takes about 220 KB.
//
// A Histogram is for one goroutine at a time. The zero value is not usable;
// call NewHistogram.
type Histogram struct {
	hdr *hdrhistogram.Histogram
	// inside is what the library counts too. It is counted here because the tests
	// compile the library without the race detector, which has to see that two
	// goroutines use one histogram.
	inside, below, above uint64
}

// NewHistogram returns an empty histogram.
func NewHistogram() *Histogram {
	return histogramOf(hdrhistogram.New(unit, int64(HighestValue), digits))
}

func histogramOf(hdr *hdrhistogram.Histogram) *Histogram {
	return &Histogram{hdr: hdr, inside: uint64(hdr.TotalCount())}
}

// Record counts d once. It does not allocate.
func (h *Histogram) Record(d time.Duration) {
	switch {
	case d < LowestValue:
		h.below++
	case d > HighestValue:
		h.above++
	case h.hdr.RecordValue(int64(d)) != nil:
		// Not reached: the buckets cover the range. Counted all the same.
		h.above++
	default:
		h.inside++
	}
}

// Merge adds everything that o has counted to h. o is left as it is.
func (h *Histogram) Merge(o *Histogram) {
	h.above += uint64(h.hdr.Merge(o.hdr)) // 0: both have the same buckets
	h.inside += o.inside
	h.below += o.below
	h.above += o.above
}

// Reset forgets everything, for the next interval. It does not allocate.
func (h *Histogram) Reset() {
	h.hdr.Reset()
	h.inside, h.below, h.above = 0, 0, 0
}

// Count is how many values lie in the range.
func (h *Histogram) Count() uint64 { return h.inside }

// Below is how many values were under LowestValue.
func (h *Histogram) Below() uint64 { return h.below }

// Above is how many values were over HighestValue.
func (h *Histogram) Above() uint64 { return h.above }

// Quantile returns the value at q in [0, 1] of the values in the range, as the
// upper end of its bucket, or 0 if there are none. Quantile(1) is Max.
func (h *Histogram) Quantile(q float64) time.Duration {
	return time.Duration(h.hdr.ValueAtPercentile(q * 100))
}

// Min is the smallest value in the range, as the lower end of its bucket.
func (h *Histogram) Min() time.Duration { return time.Duration(h.hdr.Min()) }

// Max is the largest value in the range, as the upper end of its bucket.
func (h *Histogram) Max() time.Duration { return time.Duration(h.hdr.Max()) }

// Mean is the mean of the values in the range, each as the middle of its bucket.
func (h *Histogram) Mean() time.Duration { return time.Duration(h.hdr.Mean()) }

// A Point is one step of a cumulative distribution.
type Point struct {
	Quantile float64 // in [0, 1]
	Value    time.Duration
	Count    uint64 // values up to Value
}

// Distribution returns the percentile spectrum: ticks points for each halving
// of the distance to 1, ending with the maximum. It is empty if Count is 0.
func (h *Histogram) Distribution(ticks int) []Point {
	if h.Count() == 0 {
		return nil
	}
	brackets := h.hdr.CumulativeDistributionWithTicks(int32(ticks))
	points := make([]Point, len(brackets))
	for i, b := range brackets {
		points[i] = Point{Quantile: b.Quantile / 100, Value: time.Duration(b.ValueAt), Count: uint64(b.Count)}
	}
	return points
}

// Metric sums up h under a name; file is where its intervals are (see HlogFile)
// or empty. Every figure is reproduced exactly by merging the file's intervals.
func (h *Histogram) Metric(name, file string) Metric {
	q := h.hdr.ValueAtPercentilesSlice([]float64{50, 90, 99, 99.9, 99.99})
	return Metric{
		Name:  name,
		Unit:  "ns",
		File:  file,
		Count: h.Count(),
		Below: h.below,
		Above: h.above,
		Min:   h.Min(),
		Mean:  h.Mean(),
		P50:   time.Duration(q[0]),
		P90:   time.Duration(q[1]),
		P99:   time.Duration(q[2]),
		P999:  time.Duration(q[3]),
		P9999: time.Duration(q[4]),
		Max:   h.Max(),
	}
}

// String is a one-line summary for logs and test failures.
func (h *Histogram) String() string {
	return fmt.Sprintf("n=%d p50=%v p99=%v max=%v below=%d above=%d",
		h.Count(), h.Quantile(0.50), h.Quantile(0.99), h.Max(), h.below, h.above)
}
