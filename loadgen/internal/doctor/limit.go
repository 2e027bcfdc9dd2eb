package doctor

import (
	"fmt"
	"math"
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
	// Physical limits are what the machine or the container is: no setting raises
	// them.
	Physical bool `json:"physical,omitempty"`
	// Fix is the command that raises the limit to what the plan needs, empty if
	// it is high enough.
	Fix string `json:"fix,omitempty"`
	// Settings is what Fix sets, where it is kernel settings alone.
	Settings []Setting `json:"settings,omitempty"`
	Note     string    `json:"note,omitempty"`
}

// A Setting is a kernel setting and the value that it needs (sysctl(8)).
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// String is the command that sets it.
func (s Setting) String() string {
	if strings.Contains(s.Value, " ") {
		return fmt.Sprintf("sysctl -w %s=%q", s.Name, s.Value)
	}
	return "sysctl -w " + s.Name + "=" + s.Value
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
	return least(limits, func(l Limit) bool { return !l.Soft })
}

// Raised is how many would fit if every setting were raised as far as it takes.
func Raised(limits []Limit) int64 {
	return least(limits, func(l Limit) bool { return l.Physical })
}

// least is the fewest connections that fit under one of the limits that count.
func least(limits []Limit, counts func(Limit) bool) int64 {
	fits := int64(math.MaxInt64)
	for _, l := range limits {
		if l.Fits >= 0 && counts(l) {
			fits = min(fits, l.Fits)
		}
	}
	return fits
}

// String says what there is, what is needed and what would fit.
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
