package trial

import (
	"context"
	"errors"
	"time"

	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/sock"
	"signalbench/loadgen/internal/workload"
	"signalbench/results"
)

// lead is how long before its start a stage is handed to the lanes.
const lead = 50 * time.Millisecond

// connect is the ramp with its plateaus, and the settling after it. At each
// plateau memory is read as it is, and again settled. Time spent so is no part
// of the ramp: its length is that of dialling alone, and no dial is due in it.
func (r *runner) connect() error {
	p := r.plan
	timed := p.dialled()
	if p.greets() {
		timed = append(timed, p.greeting())
	}
	ramp := newPhase(p.loops(), results.Phase{Name: "ramp", Kind: results.Ramp, Model: results.NoLoad, Offered: float64(p.Ramp)}, timed...)
	settle := newPhase(p.loops(), results.Phase{Name: "settle", Kind: results.Settle, Model: results.NoLoad})
	if err := r.rehearse(timed); err != nil {
		return err
	}
	r.begin(ramp, r.now())
	if err := r.read(results.AsRun, results.Settled); err != nil {
		return errors.Join(err, r.close(ramp))
	}
	ramp.Start = r.now()
	r.watch = true
	r.dialling.begin(r.tempo.proc)
	room := tables(r.tempo.proc, p.ServerPID)
	var why error
	for k := 0; k < p.Plateaus && why == nil; k++ {
		var took time.Duration
		took, why = r.dial(ramp, p.Conns*k/p.Plateaus, p.Conns*(k+1)/p.Plateaus)
		ramp.Length += took
		if why == nil && k == p.Plateaus-1 {
			// From here on it is settling. The ramp stays open, so that what it
			// takes in memory is in every reading alike.
			r.finish(ramp, ramp.Length)
			r.begin(settle, r.now())
			why = r.count(settle)
		}
		if why == nil {
			why = r.plateau()
		}
	}
	r.outgrown(ramp.Name, room)
	if settle.meter == nil {
		r.finish(ramp, ramp.Length)
		err := errors.Join(why, r.close(ramp))
		r.explain(ramp, why)
		return err
	}
	r.finish(settle, r.now()-settle.Start)
	err := errors.Join(why, r.close(ramp, settle))
	r.explain(ramp, nil)
	return err
}

// rehearse opens and closes one connection on each lane, counted nowhere. Code
// and buffers that both sides touch for the first time would otherwise stand in
// the ledger as if connections had cost them.
func (r *runner) rehearse(timed []record.Metric) error {
	scrap := newPhase(r.plan.loops(), results.Phase{Name: "rehearsal"}, timed...)
	r.current = scrap.Name
	err := r.hand(func(c *crew) workload.Stage {
		c.delivery.Begin(nil, scrap.shards[c.Index], workload.Endless())
		return workload.NewRamp(c.Lane, c.delivery, nil, 0, int(c.First), int(c.First)+1, r.plan.greets(), scrap.shards[c.Index])
	}, scrap)
	if err == nil {
		err = r.finished(r.now() + r.plan.DialTimeout)
	}
	if err = errors.Join(err, r.settleAccounts(err)); err != nil {
		return err
	}
	if err := r.hand(func(c *crew) workload.Stage {
		return workload.NewTeardown(c.Lane, c.delivery, pace.Burst{Count: 1}, 0, nil)
	}, scrap); err != nil {
		return err
	}
	return errors.Join(r.finished(r.now()+closeGrace), r.settleAccounts(nil), r.cut())
}

// cut resets what did not end by itself.
func (r *runner) cut() error {
	return r.fleet.each(func(c *crew) {
		for n := range c.Conns {
			c.Cut(uint32(n), results.CauseStopped)
		}
	})
}

// dial takes the connections from first to end-1 through their upgrade, and
// returns how long that took. Where nothing but the dial window sets the pace,
// one group of lanes dials after the other.
func (r *runner) dial(ramp *phase, first, end int) (time.Duration, error) {
	p := r.plan
	start := r.now() + lead
	groups := []*fleet{r.fleet}
	var schedule pace.Schedule = pace.Constant{Rate: p.Ramp}
	if p.Ramp == pace.Max {
		schedule, groups = nil, r.fleet.groups(p.Lanes)
	}
	err := r.hand(func(c *crew) workload.Stage {
		at := start
		if len(groups) > 1 {
			at = lane.Never // it is told when
		}
		shard := ramp.shards[c.Index]
		c.delivery.Begin(nil, shard, workload.Endless())
		return workload.NewRamp(c.Lane, c.delivery, schedule, at, first, end, p.greets(), shard)
	}, ramp)
	if err != nil {
		return 0, err
	}
	r.dialling.resume(r.tempo.proc)
	for _, g := range groups {
		if err == nil && len(groups) > 1 {
			err = g.each(func(c *crew) { c.stage.(*workload.Ramp).Start(max(start, c.Now())) })
		}
		// Each dial ends by itself; only answers to greetings may be missing.
		dialled := func() (bool, error) {
			return g.all(func(c *crew) bool { return c.stage.(*workload.Ramp).Dialled() })
		}
		for ok := false; !ok && err == nil; {
			if err = r.waitFor(r.now()+time.Second, dialled, r.fleet.through); err == nil {
				ok, err = dialled()
			}
		}
	}
	if err == nil {
		err = r.finished(r.now() + p.DialTimeout)
	}
	took := r.now() - start
	r.dialling.end(r.tempo.proc)
	return max(0, took), errors.Join(err, r.settleAccounts(err))
}

// plateau reads memory as it is, waits and reads it settled.
func (r *runner) plateau() error {
	if err := r.read(results.AsRun); err != nil {
		return err
	}
	if err := r.until(r.now() + r.plan.Settle); err != nil {
		return err
	}
	return r.read(results.Settled)
}

// read takes readings of the given kinds.
func (r *runner) read(kinds ...results.ReadingKind) error {
	for _, kind := range kinds {
		if err := errors.Join(r.collect(), r.writer.Flush()); err != nil {
			return err
		}
		if !r.tempo.readings {
			continue
		}
		ctx, cancel := context.WithTimeout(r.ctx, readingTimeout(r.gauges.connected))
		reading, err := r.sampler.Read(ctx, kind, r.now(), r.gauges.connected)
		cancel()
		if r.ctx.Err() != nil {
			return errInterrupted
		}
		if err != nil {
			r.find(results.Warning, results.CheckLedger, r.current, "no %s reading at %d connections: %v", kind, r.gauges.connected, err)
			continue
		}
		if err := r.addTables(&reading.Client); err != nil {
			return err
		}
		r.result.Ledger.Readings = append(r.result.Ledger.Readings, reading)
	}
	return nil
}

// addTables adds the descriptors of the lanes that have tables of their own: what
// the process shows is the table of its first thread.
func (r *runner) addTables(client *results.Process) error {
	if r.plan.Groups == 1 || client.Descriptors < 0 {
		return nil
	}
	return r.fleet.each(func(*crew) { client.Descriptors += sock.Descriptors() })
}

// readingTimeout bounds one reading; a server that does not answer does not hold
// the run. One with many connections has much to collect before it is settled.
func readingTimeout(conns int) time.Duration {
	const each = 50 * time.Microsecond
	return 15*time.Second + time.Duration(conns)*each
}
