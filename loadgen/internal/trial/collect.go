package trial

import (
	"fmt"
	"time"

	"signalbench/loadgen/internal/record"
	"signalbench/results"
)

// gauges is the state of all lanes at a collection.
type gauges struct{ connected, pending int }

// collect takes from every lane what it has recorded since the last time.
func (r *runner) collect() error {
	for _, p := range r.live {
		p.interval.Reset()
	}
	var g gauges
	for i, c := range r.fleet.crews {
		sets := r.swapped[:0]
		ok := c.Call(func() {
			for _, p := range r.live {
				sets = append(sets, p.shards[i].Swap())
			}
			g.connected += c.Open()
			g.pending += c.Dialing()
		})
		r.swapped = sets
		if !ok {
			return r.fleet.each(func(*crew) {}) // says why
		}
		for k, p := range r.live {
			p.interval.Add(sets[k])
			sets[k].Reset() // for the next time
		}
	}
	now := r.now()
	r.gauges = g
	for _, p := range r.live {
		p.total.Add(p.interval)
		for m, h := range p.interval.Timed {
			if h.Count()+h.Below()+h.Above() == 0 {
				continue
			}
			if err := r.writer.Interval(p.Name, m.String(), p.since, now-p.since, h); err != nil {
				return err
			}
		}
		p.since = now
		d, o := &p.interval.Dials, &p.interval.Ops
		r.upgraded += d.Upgraded
		r.broken += d.Failed + d.Lost + o.Failed + o.Dropped
		r.second.add(p)
	}
	return nil
}

// second is what happened since the last tick, over all phases.
type second struct{ sent, received, upgraded uint64 }

func (s *second) add(p *phase) {
	i, o := p.interval, &p.interval.Ops
	if p.Signal != nil {
		o = &i.Signal.Relays // a session is many messages
	}
	s.sent += o.Scheduled - o.Dropped
	s.received += o.Completed + o.Corrupt + o.Duplicate
	s.upgraded += i.Dials.Upgraded
}

// tick is the second's end: it collects, writes a row and tells the observer.
func (r *runner) tick() error {
	if err := r.collect(); err != nil {
		return err
	}
	now := r.now()
	span := (now - r.ticked).Seconds()
	r.ticked = now
	rate := func(n uint64) float64 { return float64(n) / span }
	use := r.sampler.Tick()
	row := results.SeriesRow{
		At: now, Phase: r.current, Connected: int64(r.gauges.connected), Pending: int64(r.gauges.pending), Failed: int64(r.broken),
		Sent: rate(r.second.sent), Received: rate(r.second.received),
		ServerRSS: use.ServerRSS, ClientRSS: use.ClientRSS, ServerCPU: use.ServerCPU, ClientCPU: use.ClientCPU, TCPMem: use.TCPMem,
	}
	snap := Snapshot{
		Elapsed: now, Phase: r.current, Conns: r.plan.Conns, Connected: r.gauges.connected, Pending: r.gauges.pending,
		Failed: r.broken, Sent: row.Sent, Received: row.Received, Upgraded: rate(r.second.upgraded),
	}
	snap.Asked, snap.Answered = r.heartbeats()
	for _, p := range r.live {
		if h := p.interval.Histogram(record.Probe); h != nil && h.Count() > 0 {
			snap.Latency = h.Quantile(0.5)
		}
		if p.Name != r.current || !p.timed {
			continue
		}
		if h := p.interval.Histogram(p.show); h.Count() > 0 {
			row.P50, row.P99 = h.Quantile(0.5), h.Quantile(0.99)
			snap.P50, snap.P99, snap.Metric = row.P50, row.P99, p.show.String()
		}
		if h := p.interval.Histogram(record.Lag); h != nil {
			row.LagP99 = h.Quantile(0.99)
		}
	}
	if err := r.writer.Series(row); err != nil {
		return err
	}
	remark, why := r.oversee()
	snap.Remark = remark
	r.observer.Tick(snap)
	err := r.alive()
	r.second = second{}
	if err == nil {
		err = why
	}
	return err
}

// alive reports errServerGone after two ticks without any connection, if
// there were some or many have failed.
func (r *runner) alive() error {
	const many = 100
	suspect := r.watch && r.gauges.connected == 0 && r.second.upgraded == 0 && (r.upgraded > 0 || r.broken >= many)
	if !suspect {
		r.deserted = 0
		return nil
	}
	if r.deserted++; r.deserted < 2 {
		return nil
	}
	return errServerGone
}

// until waits for a moment, ticking.
func (r *runner) until(at time.Duration) error {
	return r.waitFor(at, func() (bool, error) { return false, nil }, nil)
}

// waitFor waits until cond holds, which is asked whenever a lane says that it
// is through, or until a moment, which is no error.
func (r *runner) waitFor(at time.Duration, cond func() (bool, error), through <-chan struct{}) error {
	timer := time.NewTimer(at - r.now())
	defer timer.Stop()
	if through != nil {
		if ok, err := cond(); ok || err != nil {
			return err
		}
	}
	for {
		select {
		case <-r.stop:
			return errInterrupted
		case <-timer.C:
			return nil
		case <-r.ticker.C:
			if err := r.tick(); err != nil {
				return err
			}
		case err := <-r.fleet.failed:
			return fmt.Errorf("%w: %w", errLaneEnded, err)
		case <-through:
			if ok, err := cond(); ok || err != nil {
				return err
			}
		}
	}
}

// finished waits until every lane is through with its stage, until a moment at
// the latest.
func (r *runner) finished(at time.Duration) error {
	return r.waitFor(at, func() (bool, error) { return r.fleet.all(finished) }, r.fleet.through)
}
