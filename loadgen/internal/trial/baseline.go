package trial

import (
	"time"

	"signalbench/results"
)

const (
	// baselineLook is how often the kernel is asked whether it is as before.
	baselineLook = 250 * time.Millisecond
	// baselinePatience is how long it may take, and baselineInterrupted how long
	// where somebody waits for the end. The sockets of a peer that is slow end
	// with their retransmissions, minutes later; TIME_WAIT is not waited for.
	baselinePatience    = 15 * time.Second
	baselineInterrupted = 2 * time.Second
)

// settleBack waits until the kernel holds of sockets and files what it held
// before conns connections were opened, for patience at most, and says what it
// holds then. wait waits for a moment.
func settleBack(before results.Holdings, conns uint64, patience time.Duration, read func() results.Holdings, wait func(time.Duration) error) (*results.Baseline, error) {
	b := &results.Baseline{Before: before, After: read()}
	for len(b.Left(conns)) > 0 && b.Waited < patience {
		if err := wait(baselineLook); err != nil {
			return b, err
		}
		b.Waited += baselineLook
		b.After = read()
	}
	return b, nil
}

// back does so for the run.
func (r *runner) back(conns uint64) (*results.Baseline, error) {
	patience := r.tempo.patience
	if r.ctx.Err() != nil {
		patience = min(patience, baselineInterrupted)
	}
	return settleBack(r.before, conns, patience, r.sampler.Holdings, func(d time.Duration) error { return r.until(r.now() + d) })
}
