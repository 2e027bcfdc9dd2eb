package orchestrate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"signalbench/compare/internal/child"
	"signalbench/results"
)

const (
	// conformTimeout bounds a pass of the kit's quick cases.
	conformTimeout = 90 * time.Second
	// conformGrace is how long an interrupted kit may take to stop.
	conformGrace = 3 * time.Second
)

// conform runs the quick cases of the conformance kit against a server. The
// error says why the server must not be measured; failures that a lesson
// engine is known for are in the outcome and no error.
func conform(ctx context.Context, binary, url, admin, engine string, insecure bool) (results.Conformance, error) {
	args := []string{"conform", "--quick", "--json", "--url", url}
	if admin != "" {
		args = append(args, "--admin", admin)
	}
	if engine != "" {
		args = append(args, "--engine", engine)
	}
	if insecure {
		args = append(args, "--insecure")
	}
	var out bytes.Buffer
	p, err := child.Start(child.Spec{Path: binary, Args: args, Stdout: &out})
	if err != nil {
		return results.Conformance{}, err
	}
	if err := await(ctx, p, conformTimeout, conformGrace); err != nil {
		return results.Conformance{}, fmt.Errorf("conformance kit: %w", err)
	}
	var outcome results.Conformance
	if err := json.Unmarshal(out.Bytes(), &outcome); err != nil {
		if exit := p.Err(); exit != nil {
			err = exit
		}
		return results.Conformance{}, fmt.Errorf("conformance kit: %w", err)
	}
	var unexpected []string
	for _, c := range outcome.Failed {
		if c.Known == "" {
			unexpected = append(unexpected, fmt.Sprintf("%s (%s)", c.Name, c.Error))
		}
	}
	switch {
	case len(unexpected) > 0:
		return outcome, fmt.Errorf("fails the conformance kit in %d of %d cases, so it is not measured; first: %s",
			len(unexpected), outcome.Passed+len(outcome.Failed), unexpected[0])
	case p.Err() != nil:
		return outcome, fmt.Errorf("conformance kit: %w", p.Err())
	case outcome.Passed == 0:
		return outcome, fmt.Errorf("the conformance kit passed no case, so it is not measured")
	}
	return outcome, nil
}

// withLesson adds to the failures of a pass those that the engine is known for
// and that the pass did not try: its figures are not shown without them.
func withLesson(failed, lesson []results.CaseResult) []results.CaseResult {
	for _, l := range lesson {
		if !slices.ContainsFunc(failed, func(f results.CaseResult) bool { return f.Name == l.Name }) {
			failed = append(failed, l)
		}
	}
	return failed
}

// await waits for the end of a child, whatever its exit code. When ctx ends or
// limit passes the child is asked to stop, is killed after grace, and the
// reason is returned.
func await(ctx context.Context, p *child.Process, limit, grace time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("gave up after %v", limit))
	defer cancel()
	select {
	case <-p.Done():
		return nil
	case <-ctx.Done():
		p.Stop(grace)
		return context.Cause(ctx)
	}
}
