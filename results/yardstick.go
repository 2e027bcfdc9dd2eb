package results

// A Yardstick is bare TCP connect and accept over loopback, measured by a run
// itself just before its ramp: two threads, raw system calls, no WebSocket. A
// ramp's upgrades are quoted as a ratio to it, which a faster or busier machine
// moves less than the rate itself.
type Yardstick struct {
	Connects float64   `json:"connects_per_s"` // median of the rounds
	Rounds   []float64 `json:"rounds_per_s"`
	Conns    int       `json:"conns"` // connections of a round
}
