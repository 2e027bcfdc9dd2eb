package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// scale is a part of the published connections: "1/20", "0.05" or "5%"; 0 if it was
// not given.
type scale float64

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *scale) UnmarshalText(text []byte) error {
	t := strings.TrimSpace(string(text))
	of := 1.0
	number, below, divided := strings.Cut(t, "/")
	if part, ok := strings.CutSuffix(t, "%"); ok && !divided {
		number, of = strings.TrimSpace(part), 100
	}
	v, err := strconv.ParseFloat(number, 64)
	if divided && err == nil {
		of, err = strconv.ParseFloat(below, 64)
	}
	v /= of
	if err != nil || !(of > 0) || !(v > 0) || math.IsInf(v, 0) {
		return fmt.Errorf("%q is no scale like 1/20, 0.05 or 5%%", text)
	}
	*s = scale(v)
	return nil
}
