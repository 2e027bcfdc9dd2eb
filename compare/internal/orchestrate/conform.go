package orchestrate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

// A subject is a server that the conformance kit is run against.
type subject struct {
	url, admin string
	engine     string // one of ours, whose known failures the kit knows itself; empty for others
	insecure   bool
	lesson     []results.CaseResult // what it is known to fail
}

func (s *subject) args() []string {
	args := []string{"conform", "--quick", "--json", "--url", s.url}
	if s.admin != "" {
		args = append(args, "--admin", s.admin)
	}
	if s.engine != "" {
		args = append(args, "--engine", s.engine)
	}
	if s.insecure {
		args = append(args, "--insecure")
	}
	return args
}

// conform runs the quick cases of the conformance kit, which the program binary
// has, against a server. The error says why the server must not be measured;
// failures that it is known for are in the outcome, with the reason, and no error.
func conform(ctx context.Context, binary string, s subject) (results.Conformance, error) {
	var out bytes.Buffer
	p, err := child.Start(child.Spec{Path: binary, Args: s.args(), Stdout: &out})
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
	exit := p.Err()
	if recognize(outcome.Failed, s.lesson) && failedCases(exit) {
		exit = nil // it tells of failures that it did not know to be known
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
	case exit != nil:
		return outcome, fmt.Errorf("conformance kit: %w", exit)
	case outcome.Passed == 0:
		return outcome, fmt.Errorf("the conformance kit passed no case, so it is not measured")
	}
	return outcome, nil
}

// recognize gives the failures that are in a lesson the lesson's reason, and reports
// whether there are any.
func recognize(failed, lesson []results.CaseResult) bool {
	found := false
	for i := range failed {
		f := &failed[i]
		at := slices.IndexFunc(lesson, func(l results.CaseResult) bool { return l.Name == f.Name })
		if at < 0 || f.Known != "" {
			continue
		}
		f.Known, found = lesson[at].Known, true
	}
	return found
}

// failedCases reports whether the kit ended as it does when it has written what
// failed.
func failedCases(exit error) bool {
	var e *child.ExitError
	return errors.As(exit, &e) && e.Code == 1
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
