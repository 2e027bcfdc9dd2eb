package adversary

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kinds of adversaries, as results.Adversary names them.
const (
	SlowReader    = "slow-reader"    // never reads what it is sent
	ByteAtATime   = "byte-at-a-time" // sends its messages one byte every 10 ms
	HalfHandshake = "half-handshake" // sends half of an opening handshake
	PingFlood     = "ping-flood"     // sends 2,000 pings of 125 B in a second
	Oversize      = "oversize"       // sends a message longer than the server takes
)

// Kinds is all of them.
func Kinds() []string { return []string{SlowReader, ByteAtATime, HalfHandshake, PingFlood, Oversize} }

// Limit is the most adversaries of all kinds together.
const Limit = 2000

// A Demand is how many adversaries of one kind there are to be at once.
type Demand struct {
	Kind  string
	Count int
}

// String gives the form that [Demand.UnmarshalText] reads.
func (d Demand) String() string { return d.Kind + "=" + strconv.Itoa(d.Count) }

// UnmarshalText reads "slow-reader=100"; a colon will do as well.
func (d *Demand) UnmarshalText(text []byte) error {
	kind, number, ok := strings.Cut(strings.Replace(strings.TrimSpace(string(text)), ":", "=", 1), "=")
	if !slices.Contains(Kinds(), kind) {
		return fmt.Errorf("unknown adversary %q: there are %s, each with a number as in %s", kind, strings.Join(Kinds(), ", "), Demand{SlowReader, 100})
	}
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 {
		return fmt.Errorf("adversary %q has no number from 1 on, as in %s", text, Demand{kind, 100})
	}
	*d = Demand{kind, n}
	return nil
}

// Check reports what is wrong with several demands together.
func Check(all []Demand) error {
	seen := make(map[string]bool)
	for _, d := range all {
		if seen[d.Kind] {
			return fmt.Errorf("adversary %s is named twice", d.Kind)
		}
		seen[d.Kind] = true
	}
	if n := Total(all); n > Limit {
		return fmt.Errorf("%d adversaries are more than %d", n, Limit)
	}
	return nil
}

// Total is how many all demands come to.
func Total(all []Demand) int {
	sum := 0
	for _, d := range all {
		sum += d.Count
	}
	return sum
}
