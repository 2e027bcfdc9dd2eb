package scenario

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// units are what stands behind a number, in base units: bytes, nanoseconds, per
// second.
var units = []struct {
	name  string
	scale float64
	kind  unitKind
}{
	{"", 1, plain},
	{"B", 1, size}, {"kB", 1e3, size}, {"KB", 1e3, size}, {"MB", 1e6, size}, {"GB", 1e9, size},
	{"KiB", 1 << 10, size}, {"MiB", 1 << 20, size}, {"GiB", 1 << 30, size},
	{"ns", 1, span}, {"us", 1e3, span}, {"ms", 1e6, span}, {"s", 1e9, span}, {"min", 60e9, span}, {"h", 3600e9, span},
	{"/s", 1, rate}, {"/m", 1. / 60, rate},
}

type unitKind int

const (
	plain unitKind = iota
	size
	span
	rate
)

var numbers = regexp.MustCompile(`^([0-9][0-9_]{0,17}(?:\.[0-9]{1,9})?) ?([A-Za-z/]{0,4})$`)

// amount reads a number with a unit of one of the kinds.
func amount(text string, kinds ...unitKind) (float64, error) {
	if strings.HasPrefix(text, "-") {
		return 0, fmt.Errorf("%q is negative", text)
	}
	parts := numbers.FindStringSubmatch(text)
	if parts == nil {
		return 0, fmt.Errorf("%q is no number with a unit", text)
	}
	n, err := strconv.ParseFloat(strings.ReplaceAll(parts[1], "_", ""), 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no number with a unit", text)
	}
	var names []string
	for _, u := range units {
		if !slices.Contains(kinds, u.kind) {
			continue
		}
		if u.name == parts[2] {
			return n * u.scale, nil
		}
		if u.name != "" {
			names = append(names, u.name)
		}
	}
	if parts[2] == "" {
		return 0, fmt.Errorf("%q has no unit; there are %s", text, strings.Join(names, ", "))
	}
	return 0, fmt.Errorf("%q has an unknown unit; there are %s", text, strings.Join(names, ", "))
}

// value reads a published number in any unit, or in none.
func value(text string) (float64, error) { return amount(text, plain, size, span, rate) }

// bytes reads a size like "128B" or "1KiB".
func bytes(text string) (int, error) {
	n, err := amount(text, size)
	switch {
	case err != nil:
		return 0, fmt.Errorf("size %w", err)
	case n > math.MaxInt32 || n != math.Trunc(n):
		return 0, fmt.Errorf("size %q is not a whole number of bytes below 2 GiB", text)
	}
	return int(n), nil
}

// perSecond reads a rate like "5000/s" or "3/m".
func perSecond(text string) (float64, error) {
	r, err := amount(text, rate)
	switch {
	case err != nil:
		return 0, fmt.Errorf("rate %w", err)
	case r == 0:
		return 0, fmt.Errorf("rate %q is not above zero", text)
	}
	return r, nil
}

// duration reads a time like "300s" or "12m17s".
func duration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("duration %q is not a time like 300s or 12m17s", text)
	case d < 0:
		return 0, fmt.Errorf("duration %q is negative", text)
	}
	return d, nil
}

// backoff checks "none", or two times as in "100ms..10s".
func backoff(text string) error {
	if text == "none" {
		return nil
	}
	low, high, ok := strings.Cut(text, "..")
	from, err := duration(low)
	to, err2 := duration(high)
	if !ok || errors.Join(err, err2) != nil || from <= 0 || to < from {
		return fmt.Errorf("backoff %q is neither none nor two rising times like 100ms..10s", text)
	}
	return nil
}
