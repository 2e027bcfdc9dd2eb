package gate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// A Rate is how often something may happen, per second. As text it is "20/s",
// or "0" for no limit. What one second allows may come at once, one at least.
type Rate float64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *Rate) UnmarshalText(text []byte) error {
	figure, perSecond := strings.CutSuffix(string(text), "/s")
	f, err := strconv.ParseFloat(figure, 64)
	if err != nil || f < 0 || f > math.MaxInt32 || math.IsNaN(f) || !perSecond && f != 0 {
		return fmt.Errorf("%q is no rate: want N/s, or 0 for no limit", text)
	}
	*r = Rate(f)
	return nil
}

// MarshalText implements [encoding.TextMarshaler].
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (r Rate) String() string {
	if r == 0 {
		return "0"
	}
	return strconv.FormatFloat(float64(r), 'g', -1, 64) + "/s"
}

func (r Rate) burst() int { return max(1, int(r)) }

// recovery is how long a limiter takes to forget all that it was asked.
func (r Rate) recovery() time.Duration {
	if r == 0 {
		return 0
	}
	return min(time.Duration(float64(r.burst())/float64(r)*float64(time.Second)), 24*time.Hour)
}

// limiter returns one that was not asked yet, nil for no limit.
func (r Rate) limiter() *rate.Limiter {
	if r == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(r), r.burst())
}
