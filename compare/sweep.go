package main

import (
	"fmt"
	"slices"
	"time"

	"signalbench/compare/internal/orchestrate"
	"signalbench/results"
)

// sweepCommand measures each engine under each setting of the Go runtime.
type sweepCommand struct {
	Engines     []string      `help:"Engines to sweep, all but the optional and the lessons by default." placeholder:"NAME,..."`
	GOGC        []gcPercent   `name:"gogc" help:"The collector's percentages, off for none." default:"25,50,100,200,off" placeholder:"PERCENT,..."`
	MemoryLimit []limitOrNot  `help:"Soft memory limits of the Go runtime, none for none; each goes with each percentage." default:"none" placeholder:"SIZE,..."`
	Conns       int           `help:"Connections." default:"10000" placeholder:"N"`
	Rate        perSecond     `help:"Echoes per second over all connections." default:"5000/s" placeholder:"RATE"`
	Lifetime    time.Duration `help:"Mean time that a connection lives while they come and go." default:"10s" placeholder:"DURATION"`
	Payload     string        `help:"Size of a message." default:"128B" placeholder:"SIZE"`
	Warmup      time.Duration `help:"Load before each measurement window." default:"1s" placeholder:"DURATION"`
	Duration    time.Duration `help:"Length of each measurement window." default:"5s" placeholder:"DURATION"`
	Reps        int           `help:"Repetitions, interleaved." default:"1" placeholder:"N"`
	Out         string        `help:"Folder for the results; it must not exist (default results/runs/ID)." placeholder:"DIR" type:"path"`
	Seed        uint64        `help:"Decides the order; 0 draws one, which is recorded." default:"0"`
	Bin         string        `help:"Folder with ready binaries server and loadgen, instead of building them." placeholder:"DIR" type:"path"`
}

// limitOrNot is a memory limit; empty for none.
type limitOrNot string

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *limitOrNot) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		*l = ""
		return nil
	}
	var size memorySize
	if err := size.UnmarshalText(text); err != nil {
		return fmt.Errorf("%w, nor none", err)
	}
	*l = limitOrNot(size)
	return nil
}

// Run measures and reports, as a comparison does.
func (c *sweepCommand) Run(s *session) error {
	run := runCommand{
		Engines: c.Engines, Conns: c.Conns, Plateaus: 3, Workload: []string{results.WorkloadEcho, results.WorkloadChurn}, Lifetime: c.Lifetime, Rate: c.Rate, Payload: c.Payload,
		Warmup: c.Warmup, Duration: c.Duration, Reps: c.Reps, Out: c.Out, Seed: c.Seed, Bin: c.Bin,
	}
	plan, err := run.plan(s)
	if err != nil {
		return err
	}
	plan.Title = "Settings of the Go runtime"
	if plan.Repetitions == 1 {
		plan.NoClaim = "one repetition: nothing is claimed about small differences"
	}
	return run.measure(s, plan, c.spread)
}

// spread makes an arm of each setting of each engine.
func (c *sweepCommand) spread(engines []orchestrate.Arm) []orchestrate.Arm {
	var arms []orchestrate.Arm
	for _, e := range engines {
		for _, limit := range c.MemoryLimit {
			for _, percent := range c.GOGC {
				a := e
				set := &results.Setting{Engine: e.Name, GOGC: percent.String(), MemoryLimit: string(limit)}
				a.Engine, a.Setting = e.Name, set
				a.Name = e.Name + " GOGC=" + set.GOGC
				a.Flags = append(slices.Clone(e.Flags), "--gogc="+string(percent))
				if limit != "" {
					a.Name += " limit=" + string(limit)
					a.Flags = append(a.Flags, "--memory-limit="+string(limit))
				}
				arms = append(arms, a)
			}
		}
	}
	return arms
}
