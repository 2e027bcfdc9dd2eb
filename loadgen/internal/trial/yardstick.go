package trial

import (
	"context"
	"fmt"

	"signalbench/loadgen/internal/sock"
	"signalbench/loadgen/internal/yardstick"
	"signalbench/results"
)

// yardstick measures bare connect and accept if the plan says so. It comes before
// the first reading of memory. A run without it is as good as one with it.
func (r *runner) yardstick() error {
	if !r.plan.Yardstick {
		return nil
	}
	limit, err := sock.DescriptorLimit()
	if err == nil {
		r.result.Yardstick, err = yardstick.Measure(r.ctx, limit)
	}
	if r.ctx.Err() != nil {
		return fmt.Errorf("measuring bare connect and accept: %w", context.Cause(r.ctx))
	}
	if err != nil {
		r.find(results.Warning, "yardstick", "", "upgrades are not given as a ratio to bare connect and accept: %v", err)
	}
	return nil
}
