// Package sections turns the digest of a comparison into the tables of a
// report: what is shown, in which order, with which words. How a table looks
// is decided elsewhere.
package sections

import (
	"fmt"
	"math"
	"time"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/stat"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// All returns every section of a report in its order. Those with nothing to
// show are left out. Projections are checked against larger, of any number.
func All(s *digest.Suite, larger ...*digest.Suite) []*table.Table {
	var list []*table.Table
	for _, t := range []*table.Table{
		Published(s),
		Extrapolated(s),
		MemoryViews(s),
		Sweep(s),
		Summary(s),
		Hold(s),
		Relay(s),
		Push(s),
		Fanout(s),
		Storm(s),
		Hongbao(s),
		Adversaries(s),
		Latency(s),
		Ledger(s),
		Objects(s),
		Projection(s),
		Checks(s, larger...),
		Throughput(s),
		Pauses(s),
		Connecting(s),
		Upgrades(s),
		Medians(s),
		Against(s),
		Conformance(s),
		Steps(s),
		Findings(s),
		Environment(s),
	} {
		if t != nil && len(t.Rows)+len(t.Notes) > 0 {
			list = append(list, t)
		}
	}
	return list
}

// value writes v in a unit; heads name the unit where the text does not.
func value(v float64, u digest.Unit) string {
	if math.IsNaN(v) {
		return format.Unknown
	}
	switch u {
	case digest.Nanoseconds, digest.NsPerMessage:
		return format.Duration(time.Duration(math.Round(v)))
	case digest.CountPerConn, digest.Ratio, digest.Cores:
		return format.Count(v)
	case digest.Bytes:
		return format.Bytes(v)
	default:
		return format.Whole(v)
	}
}

// unitName is how a unit stands beside a name.
func unitName(u digest.Unit) string {
	switch u {
	case digest.Nanoseconds, digest.NsPerMessage, digest.Bytes, digest.Ratio, digest.Cores, digest.Count:
		return "" // stands beside every figure, or in the head
	case digest.BytesPerConn:
		return "B/conn"
	case digest.CountPerConn:
		return "per conn"
	case digest.PerCoreSec:
		return "per core-second"
	default:
		return "per second"
	}
}

// median is the median of a quantity alone.
func median(a *digest.Arm, q digest.Quantity) string {
	return value(a.Summary(q).Median, q.Unit)
}

// spread is a median with its confidence interval, or with the range of all
// repetitions where they are too few for one.
func spread(s stat.Summary, u digest.Unit) string {
	switch {
	case s.N == 0:
		return format.Unknown
	case s.N == 1:
		return value(s.Median, u)
	case s.Interval():
		return value(s.Median, u) + " (" + value(s.Low, u) + " … " + value(s.High, u) + ")"
	default:
		return value(s.Median, u) + " [" + value(s.Min, u) + " … " + value(s.Max, u) + "]"
	}
}

// quantile is a percentile of a merged histogram.
func quantile(h *results.Histogram, q float64) string {
	d, ok := digest.QuantileOf(h, q)
	if !ok {
		return format.Unknown
	}
	return format.Duration(d)
}

// verdict is an arm's verdict with how many repetitions it rests on.
func verdict(s *digest.Suite, a *digest.Arm) string {
	if a.Verdict == results.Valid {
		if n := len(a.Conformance.Failed); n > 0 {
			return fmt.Sprintf("%s (lesson: fails %d)", results.Valid, n)
		}
		return string(results.Valid)
	}
	valid := 0
	for _, step := range a.Steps {
		if step.Verdict == results.Valid && step.Error == "" {
			valid++
		}
	}
	if valid == 0 {
		return string(results.Invalid)
	}
	return string(results.Invalid) + " (" + format.Whole(float64(s.Repetitions-valid)) + " of " + format.Whole(float64(s.Repetitions)) + ")"
}
