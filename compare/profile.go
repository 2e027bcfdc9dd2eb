package main

import (
	"time"

	"signalbench/compare/internal/orchestrate"
)

// A profile is what a comparison does unless a flag says otherwise.
type profile struct {
	repetitions int
	load        orchestrate.Load
	noClaim     string
}

// scale makes a profile one for more connections than a process may have
// descriptors: one repetition, of minutes.
func (p *profile) scale() {
	p.repetitions = 1
	p.load.Ramp, p.load.Pending, p.load.Yardstick = "max", 1024, true
	p.load.Settle, p.load.Window, p.load.Heartbeat = time.Second, 2*time.Minute, 2*time.Minute
	p.load.Probe = 5 * time.Second
	p.noClaim = "one repetition: nothing is claimed about differences between engines"
}

// profileFor returns the profile of --quick, of --thorough, or the default one,
// which ends within four minutes for four engines on two cores.
func profileFor(quick, thorough bool) profile {
	p := profile{
		repetitions: 3,
		load: orchestrate.Load{
			Workloads: []string{"echo", "echo-closed"},
			Conns:     10000, Plateaus: 5, Ramp: "4000/s", Rate: "5000/s", InFlight: 100, Payload: "128B", Lifetime: 5 * time.Second,
			Settle: 250 * time.Millisecond, WarmUp: 800 * time.Millisecond, Window: 2500 * time.Millisecond, Seed: 1,
		},
	}
	switch {
	case quick:
		p.repetitions = 1
		p.load.Conns, p.load.Rate = 2000, "2000/s"
		p.load.Settle, p.load.WarmUp, p.load.Window = 200*time.Millisecond, 500*time.Millisecond, 1500*time.Millisecond
		p.noClaim = "a quick look: one repetition, few connections, short windows"
	case thorough:
		// Six is the least that gives a median a 95 % interval.
		p.repetitions = 6
		p.load.Settle, p.load.WarmUp, p.load.Window = time.Second, 3*time.Second, 15*time.Second
	}
	return p
}
