package trial

import (
	"errors"

	"signalbench/loadgen/internal/workload"
	"signalbench/results"
)

// hand gives each lane a stage; connections that are lost count in losses.
func (r *runner) hand(stage func(*crew) workload.Stage, losses *phase) error {
	return r.fleet.each(func(c *crew) {
		c.stage = stage(c)
		c.Use(c.stage, losses.shards[c.Index])
	})
}

// count says in which phase connections that are lost count from now on.
func (r *runner) count(p *phase) error {
	return r.fleet.each(func(c *crew) { c.Count(p.shards[c.Index]) })
}

// settleAccounts ends a stage: what was due and is not done is dropped, what is
// outstanding has failed, and connections are idle from here on. early is why
// the stage ended before its time, nil if it did not.
func (r *runner) settleAccounts(early error) error {
	due, sent := results.CauseBacklog, results.CauseMissing
	switch {
	case errors.Is(early, errStalled):
		due, sent = results.CauseStalled, results.CauseStopped
	case errors.Is(early, errReserve):
		due, sent = results.CauseReserve, results.CauseStopped
	case early != nil:
		due, sent = results.CauseStopped, results.CauseStopped
	}
	if errors.Is(early, errLaneEnded) {
		return nil
	}
	return r.fleet.each(func(c *crew) {
		if c.stage != nil {
			c.stage.Abort(due)
		}
		c.stage = workload.NewHold(c.Lane, c.delivery)
		c.Rest(c.stage)
		c.Abandon(results.CauseStopped)
		c.delivery.Finish(sent)
	})
}
