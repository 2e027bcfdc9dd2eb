package trial

import (
	"errors"
	"slices"
	"time"

	"signalbench/loadgen/internal/ledger"
	"signalbench/loadgen/internal/record"
	"signalbench/results"
)

// phase is a results.Phase in the making.
type phase struct {
	results.Phase
	shards   []*record.Shard // by lane
	interval *record.Set     // since the last collection
	total    *record.Set
	since    time.Duration // end of the last interval
	show     record.Metric // what a Snapshot tells of it
	timed    bool          // show is recorded
	meter    *ledger.Meter
	runtime  ledger.Mark // of the server, at the beginning of a window
	probes   *phase      // nil, or what counts the probes of this one
}

func newPhase(lanes int, p results.Phase, timed ...record.Metric) *phase {
	ph := &phase{Phase: p, interval: record.NewSet(timed...), total: record.NewSet(timed...)}
	pool := record.NewPool(timed...)
	for range lanes {
		ph.shards = append(ph.shards, pool.Shard())
	}
	if len(timed) > 0 {
		ph.show, ph.timed = timed[0], true
	}
	return ph
}

// probed prepares to count probes of the phase apart from its operations.
func (p *phase) probed(lanes int) {
	p.probes = newPhase(lanes, results.Phase{Name: p.Name}, record.Probe)
	p.probes.timed = false // not what a Snapshot tells
}

// begin opens the phase at a moment.
func (r *runner) begin(p *phase, at time.Duration) {
	if p.probes != nil {
		p.probes.since = at
		r.live = append(r.live, p.probes)
	}
	p.Start, p.since = at, at
	p.meter = r.sampler.Meter()
	if p.Kind == results.Window {
		p.runtime = r.sampler.Mark(r.ctx)
	}
	r.current = p.Name
	r.live = append(r.live, p)
}

// finish ends what is measured of the phase's processes; operations may still
// complete.
func (r *runner) finish(p *phase, length time.Duration) {
	p.Length = length
	p.Client, p.Server = p.meter.Read()
	if p.Kind == results.Window {
		p.ServerGC = r.sampler.PausesSince(r.ctx, p.runtime)
	}
	if r.crowd != nil && p.Kind == results.Window {
		p.Adversaries = r.crowd.Report()
	}
}

// close takes the phase's last interval and puts it into the run.
func (r *runner) close(phases ...*phase) error {
	if err := errors.Join(r.collect(), r.writer.Flush()); err != nil {
		return err
	}
	for _, p := range phases {
		p.Ops, p.Dials, p.Aside, p.Pings = p.total.Ops, p.total.Dials, p.total.Aside, p.total.Pings
		if s := p.Length.Seconds(); s > 0 {
			switch {
			case p.Model == results.OpenLoop:
				p.Achieved = float64(p.total.OnTime) / s
			case p.Ops.Scheduled > 0:
				// In a closed loop as many operations cross the beginning as cross
				// the end, so those that the drain completes stand for the others.
				p.Achieved = float64(p.Ops.Completed) / s
			default:
				p.Achieved = float64(p.Dials.Upgraded) / s
			}
		}
		p.closeSignal()
		p.closeHongbao()
		if f := p.Fanout; f != nil {
			f.Deliveries = p.total.Deliveries
			if s := f.Busy.Seconds(); s > 0 {
				f.PerSecond = float64(f.Deliveries.Completed) / s
			}
		}
		p.measured(p.total)
		r.odd(p)
		r.retire(p)
		if p.probes != nil {
			p.Probes = p.probes.total.Ops
			p.Pings += p.probes.total.Pings
			p.measured(p.probes.total)
			r.odd(p.probes)
			r.retire(p.probes)
		}
		r.result.Phases = append(r.result.Phases, p.Phase)
	}
	return nil
}

func (p *phase) measured(total *record.Set) {
	for m, h := range total.Timed {
		p.Metrics = append(p.Metrics, h.Metric(m.String(), results.HlogFile(p.Name, m.String())))
	}
}

// retire takes p from the phases that are open.
func (r *runner) retire(p *phase) {
	r.live = slices.DeleteFunc(r.live, func(l *phase) bool { return l == p })
}

// heartbeats is how many connections were asked whether they live, and how many
// have answered, in the last phase that asks.
func (r *runner) heartbeats() (asked, answered uint64) {
	for _, p := range r.live {
		if p.Workload == Hold && p.Model == results.OpenLoop {
			asked, answered = p.total.Ops.Scheduled-p.total.Ops.Dropped, p.total.Ops.Completed
		}
	}
	return asked, answered
}
