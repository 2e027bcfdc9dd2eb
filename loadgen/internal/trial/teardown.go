package trial

import (
	"errors"
	"time"

	"signalbench/loadgen/internal/pace"
	"signalbench/loadgen/internal/workload"
	"signalbench/results"
)

const (
	// closeRate is how many closing handshakes begin in a second.
	closeRate = 20_000
	// closeGrace is how much longer than that a teardown may take.
	closeGrace = 2 * time.Second
)

// teardown closes all connections in good order, as far as there is time; what
// is left then is reset. An interrupt does not end it, a second one ends the
// process.
func (r *runner) teardown() error {
	r.watch = false
	r.stop = nil
	phase := newPhase(r.plan.loops(), results.Phase{Name: "teardown", Kind: results.Teardown, Model: results.NoLoad})
	start := r.now()
	r.begin(phase, start)
	lanes := len(r.fleet.crews)
	err := r.hand(func(c *crew) workload.Stage {
		pace := pace.Constant{Rate: pace.Rate(closeRate) / pace.Rate(lanes)}
		return workload.NewTeardown(c.Lane, c.delivery, pace, start)
	}, phase)
	if err == nil {
		err = r.collect()
	}
	if err == nil {
		length := time.Duration(r.gauges.connected) * time.Second / closeRate
		err = r.finished(start + length + closeGrace)
	}
	if err == nil {
		err = r.collect()
	}
	if left := r.gauges.connected; err == nil && left > 0 {
		r.find(results.Note, "teardown", phase.Name, "%d connections did not end in %v and were reset", left, (r.now() - start).Round(time.Millisecond))
	}
	r.finish(phase, r.now()-start)
	return errors.Join(err, r.close(phase))
}
