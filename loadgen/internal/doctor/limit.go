package doctor

import (
	"fmt"
	"strings"
)

// Side says whose limit it is.
type Side string

// The sides.
const (
	Client  Side = "client"
	Server  Side = "server"
	Machine Side = "machine" // both together
)

// A Limit is one thing that connections use up.
type Limit struct {
	Name string `json:"name"` // as the system calls it, for example "nofile" or "net.ipv4.tcp_mem"
	Side Side   `json:"side"`
	What string `json:"what"` // what it counts
	Unit string `json:"unit"` // "" for a count, else "B" or "pages"
	// Have is what is left of it now, Need what the plan takes. Have is -1 if it
	// cannot be read: the limit is then taken to hold.
	Have int64 `json:"have"`
	Need int64 `json:"need"`
	// Fits is how many connections fit, -1 if the limit does not bound them.
	Fits int64 `json:"fits"`
	OK   bool  `json:"ok"`
	// Soft limits cost time or retries where they are passed, and no connection.
	Soft bool `json:"soft"`
	// Fix is the command that raises the limit to what the plan needs, empty if
	// it is high enough.
	Fix  string `json:"fix,omitempty"`
	Note string `json:"note,omitempty"`
}

// FirstBite is the limit that the plan meets first: of those that are too low
// and not soft, the one that fits the fewest connections.
func FirstBite(limits []Limit) (Limit, bool) {
	var first Limit
	found := false
	for _, l := range limits {
		if !l.OK && !l.Soft && (!found || l.Fits < first.Fits) {
			first, found = l, true
		}
	}
	return first, found
}

// Fits is how many connections fit under all limits that are not soft.
func Fits(limits []Limit) int64 {
	fits := int64(1<<63 - 1)
	for _, l := range limits {
		if !l.Soft && l.Fits >= 0 {
			fits = min(fits, l.Fits)
		}
	}
	return fits
}

// String says what is too low, what would fit and how to raise it.
func (l Limit) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s, %s): ", l.Name, l.What, l.Side)
	if l.Have < 0 {
		b.WriteString("not known")
	} else {
		fmt.Fprintf(&b, "%s left, %s needed", amount(l.Have, l.Unit), amount(l.Need, l.Unit))
	}
	if !l.OK && l.Fits >= 0 {
		fmt.Fprintf(&b, "; %s connections fit", amount(l.Fits, ""))
	}
	if l.Fix != "" {
		fmt.Fprintf(&b, "; raise it with: %s", l.Fix)
	}
	return b.String()
}

// amount writes a number with thousands set apart, bytes in binary units.
func amount(v int64, unit string) string {
	if unit == "B" {
		switch {
		case v >= 10<<30:
			return fmt.Sprintf("%.1f GiB", float64(v)/(1<<30))
		case v >= 10<<20:
			return fmt.Sprintf("%.1f MiB", float64(v)/(1<<20))
		}
	}
	digits := fmt.Sprint(v)
	if v < 0 {
		return digits
	}
	var parts []string
	for len(digits) > 3 {
		parts = append([]string{digits[len(digits)-3:]}, parts...)
		digits = digits[:len(digits)-3]
	}
	s := strings.Join(append([]string{digits}, parts...), ",")
	if unit != "" {
		s += " " + unit
	}
	return s
}
