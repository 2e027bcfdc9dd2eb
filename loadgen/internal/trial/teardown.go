package trial

import (
	"errors"
	"time"

	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/workload"
	"signalbench/results"
)

const (
	// closeRate is how many closing handshakes begin in a second if the plan does
	// not say.
	closeRate = 20_000
	// closePatience is how many times as long as the rate says a teardown may
	// take, and closeGrace what it may take on top: the machine may not be able to
	// do it at that rate.
	closePatience = 4
	closeGrace    = 2 * time.Second
)

// teardown closes all connections in good order, as far as there is time; what
// is left then is reset. An interrupt does not end it, a second one ends the
// process. Groups of lanes close one after the other, each at the whole rate, so
// that few lanes work at a time, as in the ramp.
func (r *runner) teardown() error {
	r.watch = false
	r.stop = nil
	phase := newPhase(r.plan.loops(), results.Phase{Name: "teardown", Kind: results.Teardown, Model: results.NoLoad})
	counts, err := r.openConns()
	if err != nil {
		return err
	}
	rate := r.plan.CloseRate
	if rate == 0 {
		rate = closeRate
	}
	begins, length := turns(counts, r.plan.Lanes, rate)
	start := r.now()
	r.begin(phase, start)
	orphans := watchOrphans(abandoned, maxOrphans(), orphanLook)
	err = r.hand(func(c *crew) workload.Stage {
		part := pace.Share{Of: pace.Constant{Rate: rate}, Index: uint64(c.Index % r.plan.Lanes), Parts: uint64(r.plan.Lanes)}
		return workload.NewTeardown(c.Lane, c.delivery, part, start+begins[c.Index], &orphans.brake)
	}, phase)
	for through := false; err == nil && !through; {
		limit := start + closePatience*length + closeGrace + orphans.brake.Held()
		if r.now() >= limit {
			break
		}
		if err = r.finished(limit); err == nil {
			through, err = r.fleet.all(finished)
		}
	}
	err = errors.Join(err, r.collect())
	seen := orphans.stop()
	seen.Rate, seen.Reset = float64(rate), uint64(r.gauges.connected)
	for _, n := range counts {
		seen.Begun += uint64(n)
	}
	phase.Closing = &seen
	if err == nil && seen.Reset > 0 {
		r.find(results.Note, results.CheckTeardown, phase.Name, "%d connections did not end in %v and were reset", seen.Reset, (r.now() - start).Round(time.Millisecond))
	}
	r.finish(phase, r.now()-start)
	if err == nil {
		seen.Baseline, err = r.back(seen.Begun)
	}
	return errors.Join(err, r.close(phase))
}

// turns is when each lane may begin, after the teardown's own beginning, so that
// a group begins when the one before it is through, and how long all take.
func turns(counts []int, lanes int, rate pace.Rate) (begins []time.Duration, length time.Duration) {
	before := 0
	for i := 0; i < len(counts); i += lanes {
		begin := time.Duration(float64(before) / float64(rate) * float64(time.Second))
		most := 0 // lanes of a group share the rate, whether they have something to close or not
		for _, n := range counts[i:min(i+lanes, len(counts))] {
			begins = append(begins, begin)
			most = max(most, n)
		}
		before += most * lanes
	}
	return begins, time.Duration(float64(before) / float64(rate) * float64(time.Second))
}
