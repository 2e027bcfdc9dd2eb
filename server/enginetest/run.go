package enginetest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"signalbench/server/engine"
)

// Options say which cases run, and how.
type Options struct {
	// Quick leaves out the cases that wait for a timeout or send a flood.
	Quick bool
	// Filter, if not empty, is a regular expression that a case's name must match.
	Filter string
	// Parallel is how many cases run at once, those apart that run alone. 0
	// means 16, since they mostly wait, but 1 for a server with known failures:
	// one that lets its clients disturb each other would fail other cases too.
	Parallel int
	// Known lists the cases that the server is known to fail.
	Known []engine.KnownFailure

	leaveOut []engine.KnownFailure // cases that do not run
	caseTime time.Duration         // 0 means caseTime
}

// caseTime bounds one case, whatever it waits for. A known failure need not be
// waited out: knownTime is more than any case takes that passes.
const (
	caseTime  = time.Minute
	knownTime = 3 * time.Second
)

// Run runs the cases against t and reports all of them, in the order of
// [Cases]. It returns an error only for options or a URL that cannot be used
// or a server that cannot be reached; what a server does wrong is in the Report.
func Run(ctx context.Context, t Target, o Options) (*Report, error) {
	cases, err := selected(o)
	if err != nil {
		return nil, err
	}
	p, err := t.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("reaching the target: %w", err)
	}
	p.close()

	report := &Report{URL: t.URL, Results: make([]Result, len(cases))}
	run := func(i int) { report.Results[i] = cases[i].run(ctx, &t, o) }
	parallel := o.Parallel
	switch {
	case parallel > 0:
	case len(o.Known) > 0:
		parallel = 1
	default:
		parallel = 16
	}
	start := time.Now()
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for i := range cases {
		if cases[i].Alone {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			run(i)
			<-slots
		})
	}
	wg.Wait()
	for i := range cases {
		if cases[i].Alone {
			run(i)
		}
	}
	report.Elapsed = time.Since(start)
	return report, ctx.Err()
}

// selected returns the cases that o asks for, and refuses names and filters
// that match nothing: a renamed case must not silently leave a list.
func selected(o Options) ([]Case, error) {
	all := Cases()
	for _, k := range o.Known {
		if !slices.ContainsFunc(all, func(c Case) bool { return c.Name == k.Case }) &&
			!slices.ContainsFunc(EntryCases(), func(c EntryCase) bool { return c.Name == k.Case }) {
			return nil, fmt.Errorf("the list of known failures names %q, which is no case of the kit", k.Case)
		}
	}
	filter, err := regexp.Compile(o.Filter)
	if err != nil {
		return nil, fmt.Errorf("reading the filter: %w", err)
	}
	var cases []Case
	for _, c := range all {
		out := slices.ContainsFunc(o.leaveOut, func(k engine.KnownFailure) bool { return k.Case == c.Name })
		if (c.Quick || !o.Quick) && filter.MatchString(c.Name) && !out {
			cases = append(cases, c)
		}
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("no case matches the filter %q", o.Filter)
	}
	return cases, nil
}

// run runs c once and judges what came.
func (c *Case) run(ctx context.Context, t *Target, o Options) Result {
	r := Result{Name: c.Name, Section: c.Section, Doc: c.Doc}
	if missing := c.missing(t); missing != "" {
		r.Outcome, r.Note = Skipped, missing
		return r
	}
	r.time(ctx, o, func(ctx context.Context) error { return c.Run(ctx, t) })
	return r
}

// run runs c once and judges what came.
func (c *EntryCase) run(ctx context.Context, e engine.Entry, o Options) Result {
	r := Result{Name: c.Name, Section: c.Section, Doc: c.Doc}
	r.time(ctx, o, func(ctx context.Context) error { return c.Run(ctx, e) })
	return r
}

// time runs a case within its time and judges the error.
func (r *Result) time(ctx context.Context, o Options, run func(context.Context) error) {
	limit := o.caseTime
	if limit == 0 {
		limit = caseTime
	}
	if slices.ContainsFunc(o.Known, func(k engine.KnownFailure) bool { return k.Case == r.Name }) {
		limit = min(limit, knownTime)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := time.Now()
	err := run(ctx)
	r.Elapsed = time.Since(start)
	if ctx.Err() != nil {
		err = fmt.Errorf("the case did not end: %w (%v)", context.Cause(ctx), err)
	}
	r.judge(err, o.Known)
}

// judge turns the error of a case into an outcome.
func (r *Result) judge(err error, known []engine.KnownFailure) {
	at := slices.IndexFunc(known, func(k engine.KnownFailure) bool { return k.Case == r.Name })
	var lenient Leniency
	switch {
	case errors.As(err, &lenient):
		r.Note = string(lenient)
		fallthrough
	case err == nil:
		r.Outcome = Passed
		if at >= 0 {
			r.Outcome, r.Note = Failed, "it passes, though it is listed as a known failure: take it off the list"
		}
	default:
		r.Outcome, r.Note = Failed, err.Error()
		if at >= 0 {
			r.Known = known[at].Why
		}
	}
}
