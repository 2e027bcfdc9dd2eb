package scenario

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// placeholder stands for the number of connections, or for a part of them.
var placeholder = regexp.MustCompile(`\{conns(/[1-9][0-9]{0,8})?\}`)

// At is the flag's value for a number of connections: "{conns}" is that number and
// "{conns/N}" the N-th part of it, rounded, and at least 1.
func (f Flag) At(conns int) string {
	return placeholder.ReplaceAllStringFunc(f.Value, func(p string) string {
		part := 1
		if _, of, ok := strings.Cut(strings.Trim(p, "{}"), "/"); ok {
			part, _ = strconv.Atoi(of) // digits, as the file was checked
		}
		return strconv.Itoa(max(1, (conns+part/2)/max(1, part)))
	})
}

// RateAt is how many operations of the open loop are due in a second, all
// connections together; 0 if the load has no rate. It has six digits, as many as an
// interval such as 16.6667s says.
func (l *Load) RateAt(conns int) float64 {
	if l.Each <= 0 {
		return l.Rate
	}
	rate := float64(conns) / l.Each.Seconds()
	digits := math.Pow(10, 5-math.Floor(math.Log10(rate)))
	return math.Round(rate*digits) / digits
}

// InFlightAt is how many messages of the closed loop are outstanding; 0 if the load
// says nothing about that.
func (s *Scenario) InFlightAt(conns int) int {
	if s.Load.InFlight == 0 {
		return 0
	}
	return max(1, int(math.Round(float64(s.Load.InFlight)*float64(conns)/float64(s.Connections))))
}
