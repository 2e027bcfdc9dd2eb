package workload

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// A Backoff says how long a client that was lost waits before it dials again. The
// zero value is none at all: it dials at once, and after a failure again in 100 ms.
//
// Otherwise the first wait is random between 0 and Min, and each failure doubles
// the bound, up to Max ("full jitter": Brooker, Exponential Backoff And Jitter,
// 2015).
type Backoff struct{ Min, Max time.Duration }

// String gives the form that [Backoff.UnmarshalText] reads.
func (b Backoff) String() string {
	if b == (Backoff{}) {
		return "none"
	}
	return b.Min.String() + ".." + b.Max.String()
}

// UnmarshalText reads "none" or two durations as in "100ms..10s".
func (b *Backoff) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if s == "none" {
		*b = Backoff{}
		return nil
	}
	low, high, ok := strings.Cut(s, "..")
	from, err := time.ParseDuration(low)
	to, err2 := time.ParseDuration(high)
	switch {
	case !ok || err != nil || err2 != nil:
		return fmt.Errorf("backoff %q is neither none nor two times like 100ms..10s", s)
	case from <= 0:
		return fmt.Errorf("backoff %q begins with a time that is not above zero: write none for no wait", s)
	case to < from:
		return fmt.Errorf("backoff %q ends below its beginning", s)
	}
	*b = Backoff{from, to}
	return nil
}

// wait draws the time before a dial that follows so many failures.
func (b Backoff) wait(failures uint8, random *rand.Rand) time.Duration {
	if b == (Backoff{}) {
		if failures == 0 {
			return 0
		}
		return again
	}
	bound := b.Min
	for range failures {
		if bound >= b.Max/2 {
			bound = b.Max
			break
		}
		bound *= 2
	}
	return time.Duration(random.Int64N(int64(bound)))
}
