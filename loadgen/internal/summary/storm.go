package summary

import (
	"fmt"
	"strings"
	"time"

	"signalbench/results"
)

// storms tells how all connections of a storm came back.
func storms(b *strings.Builder, run *results.Run) {
	before := b.Len()
	for _, p := range run.Phases {
		s := p.Storm
		if s == nil {
			continue
		}
		fmt.Fprintf(b, "%s: %d of %d connections lost by %s in %v, backoff %s; ", p.Name, s.Lost, s.Open, s.By, s.Ending.Round(time.Millisecond), s.Backoff)
		if s.Back == s.Lost && s.Recovery > 0 {
			fmt.Fprintf(b, "all back after %v", s.Recovery.Round(time.Millisecond))
		} else {
			fmt.Fprintf(b, "%d back", s.Back)
		}
		fmt.Fprintf(b, "; %d attempts, at most %.0f in a second, at most %.0f back in a second\n", s.Attempts, s.PeakDials, s.PeakBack)
		causes(b, p.Name, "attempts", s.Failures)
	}
	if b.Len() > before {
		b.WriteByte('\n')
	}
}
