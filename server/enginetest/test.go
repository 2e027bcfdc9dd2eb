package enginetest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"signalbench/server/engine"
)

// Test runs the whole kit against an engine over loopback sockets, each case a
// subtest. Cases in e.Lesson must fail and all others must pass; none may be
// skipped. What the engine holds must be gone when it has stopped.
//
// Of an engine that is optional it is the quick cases alone when the race detector is
// on, where each engine costs most: scripts/test.sh runs the whole kit without.
//
// It counts the goroutines and descriptors of the process, so nothing else may
// run beside it.
func Test(t *testing.T, e engine.Entry) {
	if raceEnabled && e.Optional {
		testQuick(t, e)
		return
	}
	goroutines := runtime.NumGoroutine()
	// Without a send buffer of a fixed size the kernel gives a loopback socket
	// megabytes, and each client that is to be evicted has to fill them first.
	results := parted(t, e, setup{sendBuffer: 256 << 10}, nil)
	var waits []string // for timeouts, so they need short ones
	for _, r := range results {
		if r.Outcome == Skipped {
			waits = append(waits, r.Name)
		}
	}
	for _, r := range parted(t, e, setup{config: hasty}, waits) {
		results[slices.IndexFunc(results, func(l Result) bool { return l.Name == r.Name })] = r
	}
	results = append(results, entryPass(t.Context(), e, Options{Known: e.Lesson})...)
	settled(t, goroutines)
	for _, r := range results {
		t.Run(r.Name, func(t *testing.T) { r.tell(t, false) })
	}
	t.Run("tls", func(t *testing.T) { testTLS(t, e) })
}

// testQuick is [Test] without the cases that wait for a timeout or send a flood.
func testQuick(t *testing.T, e engine.Entry) {
	goroutines := runtime.NumGoroutine()
	report := pass(t, e, setup{}, Options{Known: e.Lesson, Quick: true})
	settled(t, goroutines)
	for _, r := range report.Results {
		t.Run(r.Name, func(t *testing.T) { r.tell(t, false) })
	}
}

// parted runs the named cases, or all without names. What an engine is known to fail
// may disturb other clients and is waited for to the end of its time, so each such
// case has a stand of its own and they wait together, those apart that run alone.
func parted(t *testing.T, e engine.Entry, s setup, names []string) (results []Result) {
	t.Helper()
	var together, apart []string
	for _, c := range Cases() {
		switch {
		case names != nil && !slices.Contains(names, c.Name):
		case !c.Alone && slices.ContainsFunc(e.Lesson, func(k engine.KnownFailure) bool { return k.Case == c.Name }):
			apart = append(apart, c.Name)
		default:
			together = append(together, c.Name)
		}
	}
	only := func(names ...string) Options {
		o := Options{Known: e.Lesson, Parallel: 16}
		for i := range names {
			names[i] = regexp.QuoteMeta(names[i])
		}
		o.Filter = "^(" + strings.Join(names, "|") + ")$"
		return o
	}
	var mu sync.Mutex
	var g errgroup.Group
	for _, name := range apart {
		g.Go(func() error {
			report, err := serveAndRun(t.Context(), e, s, only(name))
			if report != nil {
				mu.Lock()
				defer mu.Unlock()
				results = append(results, report.Results...)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	if len(together) > 0 {
		results = append(results, pass(t, e, s, only(together...)).Results...)
	}
	return results
}

// pass runs the cases of o against a fresh stand.
func pass(t *testing.T, e engine.Entry, s setup, o Options) *Report {
	t.Helper()
	report, err := serveAndRun(t.Context(), e, s, o)
	if err != nil {
		t.Error(err)
	}
	if report == nil {
		t.FailNow()
	}
	return report
}

// serveAndRun runs the cases of o against a fresh stand. What is wrong with the
// run as a whole is an error, also where there is a report.
func serveAndRun(ctx context.Context, e engine.Entry, s setup, o Options) (*Report, error) {
	st, err := start(e, s)
	if err != nil {
		return nil, err
	}
	report, err := Run(ctx, st.target, o)
	if stopped := st.stop(); stopped != nil {
		err = errors.Join(err, fmt.Errorf("after all cases: expected Serve to return nil, got %w", stopped))
	}
	return report, err
}

// overTLS leaves out the crowds: over TLS they show how fast certificates are
// signed.
const overTLS = "^(handshake|frame|control|fragment|utf8|close|limit|slow|baseline/(closed|hung-up|violated|refused))"

// testTLS runs the quick cases over TLS, if the engine can, but for those that it is
// known to fail.
func testTLS(t *testing.T, e engine.Entry) {
	certificate, err := selfSigned()
	if err != nil {
		t.Fatal(err)
	}
	s := setup{config: func(c *engine.Config) { c.TLS = certificate }}
	st, err := start(e, s)
	if errors.Is(err, errUnservable) {
		t.Logf("no TLS: %v", err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := st.stop(); err != nil {
		t.Fatal(err)
	}
	goroutines := runtime.NumGoroutine()
	report := pass(t, e, s, Options{leaveOut: e.Lesson, Quick: true, Filter: overTLS})
	settled(t, goroutines)
	for _, r := range report.Results {
		t.Run(r.Name, func(t *testing.T) { r.tell(t, true) })
	}
}

// entryPass runs the cases that start the engine themselves. They mostly wait,
// and look at nothing but their own engine.
func entryPass(ctx context.Context, e engine.Entry, o Options) []Result {
	cases := EntryCases()
	results := make([]Result, len(cases))
	var g errgroup.Group
	g.SetLimit(8)
	for i := range cases {
		g.Go(func() error {
			results[i] = cases[i].run(ctx, e, o)
			return nil
		})
	}
	_ = g.Wait()
	return results
}

// tell reports r as the outcome of a subtest.
func (r *Result) tell(t *testing.T, maySkip bool) {
	t.Logf("took %v", r.Elapsed.Round(time.Millisecond))
	switch {
	case r.Outcome == Failed && r.Known != "":
		t.Logf("known failure: %s\nbecause: %s", r.Note, r.Known)
	case r.Outcome == Failed:
		t.Errorf("%s\n%s: %s", r.Doc, r.Section, r.Note)
	case r.Outcome == Skipped && !maySkip:
		t.Errorf("the case was skipped: %s", r.Note)
	case r.Note != "":
		t.Log(r.Note)
	}
}

// settled expects the goroutines of the process to come back to a number.
func settled(t *testing.T, want int) {
	t.Helper()
	if err := eventually(t.Context(), "the goroutines of the engine to end", func() bool { return runtime.NumGoroutine() <= want }); err != nil {
		stacks := make([]byte, 1<<20)
		t.Errorf("%v: %d are left of at most %d\n%s", err, runtime.NumGoroutine(), want, stacks[:runtime.Stack(stacks, true)])
	}
}
