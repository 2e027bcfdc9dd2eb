package pace

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Rate is operations per second. [Max] is no rate at all: the next operation
// is due as soon as there is room for it.
type Rate float64

// Max is as fast as possible.
const Max Rate = 0

// String gives the form that [Rate.UnmarshalText] reads.
func (r Rate) String() string {
	if r == Max {
		return "max"
	}
	return strconv.FormatFloat(float64(r), 'f', -1, 64) + "/s"
}

// UnmarshalText reads "5000/s", "5k/s", "600/m", "5000" (per second) or "max".
func (r *Rate) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if s == "max" {
		*r = Max
		return nil
	}
	number, unit, slash := strings.Cut(s, "/")
	per := 1.0
	switch {
	case unit == "s", !slash:
	case unit == "m":
		per = 60
	default:
		return fmt.Errorf("rate %q: after \"/\" comes s or m, not %q", s, unit)
	}
	scale := 1.0
	if n, ok := strings.CutSuffix(number, "k"); ok {
		number, scale = n, 1e3
	} else if n, ok := strings.CutSuffix(number, "M"); ok {
		number, scale = n, 1e6
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("rate %q is not a number with /s, for example 5000/s", s)
	}
	if v <= 0 {
		return fmt.Errorf("rate %q is not above zero", s)
	}
	*r = Rate(v * scale / per)
	return nil
}
