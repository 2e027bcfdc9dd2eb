package trial

import (
	"errors"
	"fmt"
	"time"

	"signalbench/loadgen/internal/diagnose"
	"signalbench/results"
)

const (
	// stallTold is after how many ticks without an upgrade, with dials in progress
	// all the time, a person is told.
	stallTold = 3
	// stallDials is after how many timeouts of a dial without an upgrade no more
	// is dialled: all that was in progress has failed by then, and all that took
	// its place.
	stallDials = 2
)

// dialling is what is watched while connections are dialled.
type dialling struct {
	on            bool
	before, after diagnose.Reading // of the whole ramp
	first, last   diagnose.Memory  // before the ramp, and at the last tick; zero: not known
	still         int              // ticks in a row without an upgrade, with dials in progress
	opened        int              // connections that were open when it ended early
}

// begin reads what the ramp is compared with.
func (d *dialling) begin(proc string) {
	d.before = diagnose.Read(proc)
	d.after = d.before
	d.first, _ = diagnose.ReadMemory(proc)
}

// resume is the beginning of dialling, at first and after a plateau.
func (d *dialling) resume(proc string) {
	d.on, d.still = true, 0
	d.last, _ = diagnose.ReadMemory(proc)
}

// end reads the counters again.
func (d *dialling) end(proc string) {
	d.on, d.after = false, diagnose.Read(proc)
}

// oversee is asked once a tick. It says when the count of connections stands
// still, and why by then, and ends dialling where it goes on to, or before the
// machine has no memory left. The kernel kills processes in that case, and would
// not choose the one that asks for too much.
func (r *runner) oversee() (remark string, err error) {
	d := &r.dialling
	if !d.on {
		return "", nil
	}
	if m, err := diagnose.ReadMemory(r.tempo.proc); err == nil && d.first.Total > 0 && d.last.Total > 0 {
		// What the last tick took the next may take too.
		ahead := m.Room - max(0, d.last.Room-m.Room)
		d.last = m
		if ahead < m.Reserve() {
			d.opened = r.gauges.connected
			return r.spent(), errReserve
		}
	}
	if r.second.upgraded > 0 || r.gauges.pending == 0 {
		d.still = 0
		return "", nil
	}
	d.still++
	if d.still == stallTold {
		remark = fmt.Sprintf("no connection came for %v while %d dials are in progress: %v", r.stood(), r.gauges.pending,
			r.diagnosis(diagnose.Read(r.tempo.proc), r.dialFailures()))
	}
	if r.stood() >= stallDials*r.plan.DialTimeout && d.still >= stallTold {
		d.opened = r.gauges.connected
		err = errStalled
	}
	return remark, err
}

// stood is for how long no connection came. A generator that was stopped itself
// has seen nothing stand still, so ticks are counted.
func (r *runner) stood() time.Duration { return time.Duration(r.dialling.still) * r.tempo.tick }

// spent tells what dialling has taken of the machine's memory.
func (r *runner) spent() string {
	d := &r.dialling
	text := fmt.Sprintf("stopped at %d connections of %d: %d MiB free, and dialling leaves %d MiB", d.opened, r.plan.Conns, d.last.Room>>20, d.last.Reserve()>>20)
	if d.opened > 0 {
		text += fmt.Sprintf("; each took %d B of the machine", (d.first.Room-d.last.Room)/int64(d.opened))
	}
	return text
}

// dialFailures is what became of the dials of the phases that are open.
func (r *runner) dialFailures() map[results.Cause]uint64 {
	for _, p := range r.live {
		if p.Kind == results.Ramp {
			return p.total.Dials.Causes
		}
	}
	return nil
}

func (r *runner) diagnosis(after diagnose.Reading, failed map[results.Cause]uint64) diagnose.Diagnosis {
	return diagnose.Explain(r.dialling.before, after, diagnose.Dials{Conns: int64(r.plan.Conns), Pending: int64(r.plan.Pending), Causes: failed})
}

// aftermath tells what the kernel refused or reset after the ramp, to its end.
func (r *runner) aftermath() {
	d := &r.dialling
	if d.after == nil {
		return
	}
	got := diagnose.Explain(d.after, diagnose.Read(r.tempo.proc), diagnose.Dials{Conns: int64(r.plan.Conns), Pending: int64(r.plan.Pending)})
	if len(got.Causes) > 0 {
		r.find(results.Warning, results.CheckKernel, "", "after the ramp, while connections were held and closed: %v", got)
	}
}

// explain says why connections are missing after a ramp that ended for why, or
// what stood in their way if they came all the same.
func (r *runner) explain(ramp *phase, why error) {
	d := &r.dialling
	if errors.Is(why, errLaneEnded) || errors.Is(why, errInterrupted) && d.still < stallTold {
		return
	}
	got := r.diagnosis(d.after, ramp.Dials.Causes)
	asked, missing := uint64(r.plan.Conns), uint64(r.plan.Conns)-min(ramp.Dials.Upgraded, uint64(r.plan.Conns))
	switch {
	case errors.Is(why, errReserve):
		r.find(results.Fatal, results.CheckRamp, ramp.Name, "%s", r.spent())
	case errors.Is(why, errStalled):
		r.find(results.Fatal, results.CheckRamp, ramp.Name, "stopped at %d connections of %d: none came for %v while dials were in progress (%s): %v",
			d.opened, asked, r.stood(), diagnose.Failures(ramp.Dials.Causes), got)
	case missing > 0:
		severity := results.Warning
		if float64(missing) > results.DefaultLimits().Loss*float64(asked) {
			severity = results.Fatal
		}
		r.find(severity, results.CheckRamp, ramp.Name, "%d of %d connections did not come (%s): %v", missing, asked, diagnose.Failures(ramp.Dials.Causes), got)
	case len(got.Causes) > 0:
		r.find(results.Note, results.CheckRamp, ramp.Name, "all %d connections came, and something stood in their way: %v", asked, got)
	}
}
