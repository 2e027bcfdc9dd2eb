package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// bytesFlag is an amount of memory on the command line: a number of bytes, or
// one with a unit (kB, KiB, MB, MiB, GB, GiB).
type bytesFlag int64

var units = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
	{"B", 1},
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *bytesFlag) UnmarshalText(text []byte) error {
	figure, unit := string(text), int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(figure, u.suffix); ok {
			figure, unit = rest, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(figure), 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return fmt.Errorf("%q is no amount of memory: want a number of bytes, or one with kB, KiB, MB, MiB, GB or GiB", text)
	}
	*b = bytesFlag(n * unit)
	return nil
}
