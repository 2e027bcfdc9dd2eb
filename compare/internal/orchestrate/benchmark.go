package orchestrate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"signalbench/compare/internal/child"
	"signalbench/results"
)

// longestBenchmark is after how long our server is given up that times operations
// by themselves.
const longestBenchmark = 2 * time.Minute

// benchmark has our server time operations by themselves, if the plan wants it. No
// server is alive meanwhile. A failure is a warning: what the steps measured stands.
func (e *execution) benchmark(ctx context.Context) {
	if len(e.plan.Benchmark) == 0 {
		return
	}
	e.Reporter.Status("benchmark")
	list, err := e.timed(ctx)
	if err != nil {
		if ctx.Err() == nil {
			e.find(results.Warning, "benchmark", "operations were not timed by themselves: "+err.Error())
		}
		return
	}
	e.suite.Benchmarks = list
}

func (e *execution) timed(ctx context.Context) ([]results.Benchmark, error) {
	var out bytes.Buffer
	p, err := child.Start(child.Spec{Path: e.Server, Args: e.plan.Benchmark, Stdout: &out})
	if err != nil {
		return nil, err
	}
	if err := await(ctx, p, longestBenchmark, e.patience.stop); err != nil {
		return nil, err
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	var list []results.Benchmark
	if err := json.Unmarshal(out.Bytes(), &list); err != nil {
		return nil, fmt.Errorf("the server says %.80q: %w", out.String(), err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("the server timed nothing")
	}
	return list, nil
}
