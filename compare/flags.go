package main

import (
	"fmt"
	"math"
	"regexp"
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
	case "gogc", "memory-limit":
		return fmt.Errorf("%s is a flag of compare: give --%s", name, name)
	}
	if !ok || name == "" || strings.HasPrefix(name, "-") {
		return fmt.Errorf("%q is no server flag like outbox=64KiB", text)
	}
	*s = setting("--" + string(text))
	return nil
}

// gcPercent is GOGC as the server takes it; empty if it was not given.
type gcPercent string

// UnmarshalText implements encoding.TextUnmarshaler.
func (g *gcPercent) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if s == "off" {
		*g = "-1"
		return nil
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(s, "%"), 10, 32)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is no percentage for the collector like 100, nor off", text)
	}
	*g = gcPercent(strconv.FormatInt(n, 10))
	return nil
}

// String is the percentage, or off.
func (g gcPercent) String() string {
	if g == "-1" {
		return "off"
	}
	return string(g)
}

// memorySize is an amount of memory, handed on as it was written; empty if it
// was not given.
type memorySize string

var memorySizes = regexp.MustCompile(`^0*[1-9][0-9]{0,15}(B|kB|KB|MB|GB|KiB|MiB|GiB)?$`)

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *memorySize) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if !memorySizes.MatchString(s) {
		return fmt.Errorf("%q is no amount of memory like 512MiB", text)
	}
	*m = memorySize(s)
	return nil
}
