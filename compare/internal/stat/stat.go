// Package stat turns repeated measurements of one quantity into a median with
// a confidence interval, and two of them into a comparison. It leaves the
// statistics to golang.org/x/perf/benchmath, without assumption about the
// distribution: medians, order-statistic intervals, Mann-Whitney U test.
//
// The package must not know what is measured.
package stat

import (
	"fmt"
	"math"

	"golang.org/x/perf/benchmath"
	"gonum.org/v1/gonum/stat/combin"
)

const (
	// Confidence is the level of all intervals.
	Confidence = 0.95
	// Claim is the least number of repetitions that supports a claim.
	Claim = 5
)

// A Summary is the median of repeated measurements.
type Summary struct {
	N        int
	Median   float64
	Min, Max float64
	// Low and High bound the median with Confidence; infinite when there are
	// too few measurements for that (fewer than 6).
	Low, High float64
}

// Summarize returns the summary of values, which may be in any order. Without
// values N is 0 and all else NaN.
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		nan := math.NaN()
		return Summary{Median: nan, Min: nan, Max: nan, Low: nan, High: nan}
	}
	s := sample(values)
	b := benchmath.AssumeNothing.Summary(s, Confidence)
	return Summary{
		N: len(values), Median: b.Center,
		Min: s.Values[0], Max: s.Values[len(s.Values)-1],
		Low: b.Lo, High: b.Hi,
	}
}

// Interval reports whether Low and High are finite.
func (s Summary) Interval() bool {
	return s.N > 0 && !math.IsInf(s.Low, 0) && !math.IsInf(s.High, 0)
}

// A Comparison tells whether two samples differ.
type Comparison struct {
	Old, New Summary
	P        float64 // of the hypothesis that both come from one distribution
	// Significant is P < 0.05.
	Significant bool
}

// Compare compares two samples of at least one value each.
func Compare(old, new []float64) Comparison {
	c := benchmath.AssumeNothing.Compare(sample(old), sample(new))
	return Comparison{
		Old: Summarize(old), New: Summarize(new),
		P: c.P, Significant: c.P < c.Alpha,
	}
}

// Change is the relative change of the median, 0.05 for 5 % more. It is NaN
// where the old median is 0 and the new is not.
func (c Comparison) Change() float64 {
	switch {
	case c.Old.Median == c.New.Median:
		return 0
	case c.Old.Median == 0:
		return math.NaN()
	}
	return (c.New.Median - c.Old.Median) / math.Abs(c.Old.Median)
}

// Delta is the change for a reader: "~" where it is not significant.
func (c Comparison) Delta() string {
	if !c.Significant {
		return "~"
	}
	change := c.Change()
	if math.IsNaN(change) {
		return "from 0"
	}
	return fmt.Sprintf("%+.1f %%", 100*change)
}

// Support says how far the two sample sizes carry a claim; empty if they do.
func (c Comparison) Support() string { return SupportBoth(c.Old.N, c.New.N) }

// SupportBoth says how far a comparison of n with m repetitions carries a
// claim; empty if it does.
func SupportBoth(n, m int) string {
	s := Support(min(n, m))
	if s == "" {
		return ""
	}
	// The U test is exact: the least p is that of two samples that do not
	// overlap, 2 out of all ways to draw n of n+m.
	if ways := combin.GeneralizedBinomial(float64(n+m), float64(n)); 2/ways >= benchmath.DefaultThresholds.CompareAlpha {
		s += fmt.Sprintf("; %d beside %d cannot show any difference, however large", n, m)
	}
	return s
}

// Support says how far n repetitions carry a claim; empty if they do.
func Support(n int) string {
	if n >= Claim {
		return ""
	}
	return fmt.Sprintf("n = %d is too few for a claim (need >= %d)", n, Claim)
}

func sample(values []float64) *benchmath.Sample {
	// NewSample sorts what it is given.
	return benchmath.NewSample(append([]float64(nil), values...), &benchmath.DefaultThresholds)
}
