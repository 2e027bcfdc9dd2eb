package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// percent is a share of 1, written like "5%".
type percent float64

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *percent) UnmarshalText(text []byte) error {
	number, ok := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !ok || !(v >= 0) || math.IsInf(v, 0) {
		return fmt.Errorf("%q is no percentage like 5%%", text)
	}
	*p = percent(v / 100)
	return nil
}

// perSecond is a rate like "5000/s", or "max" where there is no limit; it is
// handed on as it was written.
type perSecond string

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *perSecond) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	number, ok := strings.CutSuffix(s, "/s")
	v, err := strconv.ParseFloat(number, 64)
	if s != "max" && (err != nil || !ok || !(v > 0) || math.IsInf(v, 0)) {
		return fmt.Errorf("%q is no rate like 5000/s", text)
	}
	*r = perSecond(s)
	return nil
}

// setting is a flag of the server, given as name=value.
type setting string

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *setting) UnmarshalText(text []byte) error {
	name, _, ok := strings.Cut(string(text), "=")
	switch name {
	case "engine", "listen", "admin":
		return fmt.Errorf("compare itself decides the server's --%s", name)
	}
	if !ok || name == "" || strings.HasPrefix(name, "-") {
		return fmt.Errorf("%q is no server flag like outbox=64KiB", text)
	}
	*s = setting("--" + string(text))
	return nil
}
