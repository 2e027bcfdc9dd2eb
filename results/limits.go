package results

import "time"

// Limits are the thresholds of [Run.Judge]. They are set so that a run on a
// small, shared machine is not refused for noise, and so that a run that passes
// means what it says; each field tells the reasoning.
type Limits struct {
	// Offered is the largest relative difference between the load that was asked
	// for and the load that was scheduled; one operation per lane is allowed on
	// top. Beyond: fatal. Default 1 %.
	Offered float64
	// Achieved is the share of the offered load below which an open-loop window
	// carries a warning: the server did not keep up, and its response times grow
	// with the length of the window. Not fatal, because it is a true statement
	// about the server. Default 99 %.
	Achieved float64
	// Loss is the largest share of operations dropped or failed, of dials dropped
	// or failed, and of connections lost, each on its own. What is lost is in no
	// percentile, so more than 0.1 % makes the p99.9 a claim about something
	// else: fatal. Below that, but not zero: a warning. Faults of delivery
	// (missing, duplicate, reordered, corrupt) have no allowance. Default 0.1 %.
	Loss float64
	// Little is the largest relative difference between the operations in flight
	// that were asked for and throughput times mean service time (Little's law),
	// in closed-loop windows. The share of the window that one service time
	// makes is added to it: the law holds for the time between two moments that
	// are alike, and a window begins and ends in the middle of operations.
	// LittleGap is added as well: the moment between an answer and the next send,
	// which no metric covers and which counts only where service times are a few
	// microseconds.
	// Beyond: fatal. Defaults 10 % and 10 us.
	Little    float64
	LittleGap time.Duration
	// LagShare is the largest part of the response time that may be the
	// generator's own lateness, at p50 and at p99; LagFloor is the lag below
	// which it does not matter. Beyond both: fatal, since the figure describes
	// the generator. Response time starts at the due time and so includes the
	// lag: a lag below the limit makes a server look worse, never better. The
	// floor is what the scheduler of a busy 2-core machine does to any process.
	// Defaults 50 % and 2 ms.
	LagShare float64
	LagFloor time.Duration
	// LagWarn is the share of the response time at p99 from which the lag is
	// mentioned, if it is at least LagWarnFloor. Defaults 20 % and 500 us.
	LagWarn      float64
	LagWarnFloor time.Duration
	// LagMax is the lag at p99 that no response time excuses: the load was not
	// the one that was asked for, second by second. Beyond: fatal. Default 1 s.
	LagMax time.Duration
	// ClientBusy is the share of its lanes' cores above which the generator of an
	// open-loop window carries a warning, ClientFull above which it is fatal: a
	// saturated generator queues, whatever the lag says. A closed loop saturates
	// something by intention; there it is a note from ClientBusy on, because the
	// throughput may be the generator's. Defaults 80 % and 95 %.
	ClientBusy, ClientFull float64
	// MachineBusy is the share of all cores, server and generator together, from
	// which an open-loop window carries a warning: each then waits for the
	// other. It is checked if both share the machine (the server's CPU is
	// known). Default 90 %.
	MachineBusy float64
	// Slope is the largest half-width of a memory slope's interval, relative to
	// the slope, without a warning. It is checked for the settled RSS of both
	// sides, with a floor of SlopeFloor: an interval of a few bytes is narrow
	// however small the slope is. Defaults 10 % and 50 B.
	Slope      float64
	SlopeFloor float64
	// Sockets is the largest relative difference between the TCP sockets that
	// the machine gains with a connection and those that server and generator
	// hold of it, without a warning: beyond, other programs opened or closed
	// sockets meanwhile, and the kernel's share of the ledger is theirs too.
	// Default 5 %.
	Sockets float64
}

// DefaultLimits returns the limits that every published run is held to.
func DefaultLimits() Limits {
	return Limits{
		Offered:  0.01,
		Achieved: 0.99,
		Loss:     0.001,
		Little:   0.10, LittleGap: 10 * time.Microsecond,
		LagShare: 0.50, LagFloor: 2 * time.Millisecond,
		LagWarn: 0.20, LagWarnFloor: 500 * time.Microsecond,
		LagMax:     time.Second,
		ClientBusy: 0.80, ClientFull: 0.95,
		MachineBusy: 0.90,
		Slope:       0.10, SlopeFloor: 50,
		Sockets: 0.05,
	}
}
