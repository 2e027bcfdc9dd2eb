package main

import (
	"fmt"
	"strconv"
	"strings"
)

// bytes is a size as a flag takes it: "128", "128B", "4KiB", "1MiB".
type bytes int

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *bytes) UnmarshalText(text []byte) error {
	s := string(text)
	number, scale := s, 1
	for suffix, n := range map[string]int{"KiB": 1 << 10, "MiB": 1 << 20, "kB": 1e3, "MB": 1e6} {
		if head, ok := strings.CutSuffix(s, suffix); ok {
			number, scale = head, n
		}
	}
	if scale == 1 {
		number = strings.TrimSuffix(s, "B")
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 32)
	if err != nil || n < 0 {
		return fmt.Errorf("size %q is not a number of bytes like 128B, 4KiB or 1MiB", s)
	}
	*b = bytes(int(n) * scale)
	return nil
}
