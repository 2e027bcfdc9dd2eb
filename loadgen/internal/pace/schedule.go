package pace

import (
	"math"
	"time"
)

// A Schedule says when operation n, counted from 0, is due relative to the
// start. It is false for an operation that the schedule does not have; then it
// has no later one either. Due never decreases with n. Implementations are
// values and safe for concurrent use.
type Schedule interface {
	Due(n uint64) (time.Duration, bool)
}

// Constant is one operation every 1/Rate, the first at the start. Operations
// due at or after Length do not belong to it.
type Constant struct {
	Rate   Rate
	Length time.Duration // 0 means without end
}

// Due implements [Schedule].
func (c Constant) Due(n uint64) (time.Duration, bool) {
	if c.Rate <= 0 {
		return 0, false
	}
	return within(float64(n)/float64(c.Rate), c.Length)
}

// Linear changes the rate evenly from From at the start to To at Length.
type Linear struct {
	From, To Rate
	Length   time.Duration
}

// Due implements [Schedule]. After t seconds From*t + (To-From)*t*t/(2*Length)
// operations are due; this is that equation solved for t, in the form that
// stays exact when From and To are nearly equal.
func (l Linear) Due(n uint64) (time.Duration, bool) {
	if l.Length <= 0 || l.From < 0 || l.To < 0 {
		return 0, false
	}
	from := float64(l.From)
	slope := float64(l.To-l.From) / l.Length.Seconds()
	if n == 0 {
		return 0, from > 0 || l.To > 0
	}
	under := from*from + 2*slope*float64(n)
	if under < 0 {
		return 0, false // the rate falls to zero before operation n
	}
	return within(2*float64(n)/(from+math.Sqrt(under)), l.Length)
}

// Burst is Count operations that are all due at the start.
type Burst struct{ Count uint64 }

// Due implements [Schedule].
func (b Burst) Due(n uint64) (time.Duration, bool) { return 0, n < b.Count }

// First is the first Count operations of a schedule.
type First struct {
	Of    Schedule
	Count uint64
}

// Due implements [Schedule].
func (f First) Due(n uint64) (time.Duration, bool) {
	if n >= f.Count {
		return 0, false
	}
	return f.Of.Due(n)
}

// Share is every m-th operation of a schedule: part Index (from 0) of Parts.
// The parts together are the schedule, each operation exactly once.
type Share struct {
	Of           Schedule
	Index, Parts uint64
}

// Due implements [Schedule].
func (s Share) Due(n uint64) (time.Duration, bool) { return s.Of.Due(n*s.Parts + s.Index) }

// within converts seconds, and applies the half-open end of a schedule.
func within(seconds float64, length time.Duration) (time.Duration, bool) {
	ns := seconds * float64(time.Second)
	if math.IsNaN(ns) || ns >= math.MaxInt64 {
		return 0, false
	}
	due := time.Duration(ns)
	return due, length == 0 || due < length
}
