package orchestrate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"signalbench/results"
)

// A Reporter hears how far a comparison is. Calls come from one goroutine,
// except Status, which may come from any.
type Reporter interface {
	// Begin tells the number of steps and about how long each will take.
	Begin(steps int, each time.Duration)
	// Step tells that a step begins; n counts from 1.
	Step(n int, arm string, repetition int)
	// Status tells what the current step is doing.
	Status(text string)
	// Note tells something that the reader should know.
	Note(text string)
	// Done tells how the current step ended.
	Done(step results.Step)
	// End is called last, also after an interrupt.
	End()
}

// A Runner carries out plans with two given programs.
type Runner struct {
	Server   string // path of the server's executable
	Loadgen  string // path of the load generator's executable
	Reporter Reporter

	patience patience // shortened by tests; the zero value means defaults
}

// patience is how long a Runner waits for a server that ought to answer.
type patience struct {
	ready time.Duration // from its start to its ready line
	stop  time.Duration // from SIGINT to its end
}

// defaults are longer than anything that a sound server takes on a slow
// machine; stop is longer than the server's own drain deadline.
var defaults = patience{ready: 15 * time.Second, stop: 10 * time.Second}

// Run carries out p and writes suite.json into p.Out after every step, marked
// partial until the last. The suite is returned also when ctx ended early,
// together with the cause. Other errors mean that nothing was measured.
func (r *Runner) Run(ctx context.Context, p Plan) (*results.Suite, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	if r.patience == (patience{}) {
		c := *r
		c.patience = defaults
		r = &c
	}
	ports, err := NewPorts(p.Seed)
	if err != nil {
		return nil, err
	}
	if err := makeOut(p.Out); err != nil {
		return nil, err
	}
	e := &execution{
		Runner: r, plan: &p, ports: ports,
		barred: map[string]string{},
		suite: &results.Suite{
			Schema: results.SchemaSuite, ID: filepath.Base(p.Out), Title: p.Title, Started: time.Now(),
			Partial: true, Command: p.Command, Env: results.CaptureEnv(ctx),
			Repetitions: p.Repetitions, Seed: p.Seed, NoClaim: p.NoClaim,
			Reproduction: p.Reproduction,
		},
	}
	if ports.Inside {
		e.note("every port from 10000 on is in the range of outgoing ports: an outgoing connection may take the server's")
	}
	for _, a := range p.Arms {
		e.suite.Arms = append(e.suite.Arms, results.Arm{Name: a.Name, Summary: a.Summary, Setting: a.Setting})
		if a.Foreign != nil {
			e.note(fmt.Sprintf("%s at %s runs outside of this comparison: it is not started afresh for each repetition, and shares the machine with the other arms", a.Name, a.Foreign.URL))
			if a.Foreign.SkipConformance {
				e.find(results.Warning, "conformance", fmt.Sprintf("%s was measured without the conformance kit", a.Name))
			}
		}
	}
	return e.suite, e.run(ctx)
}

// makeOut creates the suite's folder, which must not exist.
func makeOut(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("making the results folder: %w", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		if os.IsExist(err) {
			return fmt.Errorf("%s exists already: results are never written over, choose another --out or remove it", dir)
		}
		return fmt.Errorf("making the results folder: %w", err)
	}
	return nil
}

// execution is one Run.
type execution struct {
	*Runner
	plan   *Plan
	ports  *Ports
	suite  *results.Suite
	barred map[string]string // arms that must not be measured, and why
}

func (e *execution) run(ctx context.Context) error {
	order := Order(len(e.plan.Arms), e.plan.Repetitions, e.plan.Seed)
	e.Reporter.Begin(len(e.plan.Arms)*e.plan.Repetitions, e.plan.Load.Estimate())
	defer e.Reporter.End()
	n := 0
	for rep := range order {
		for _, arm := range order[rep] {
			n++
			a := &e.plan.Arms[arm]
			e.Reporter.Step(n, a.Name, rep+1)
			step := results.Step{Arm: a.Name, Repetition: rep + 1, Verdict: results.Invalid}
			if why, ok := e.barred[a.Name]; ok {
				step.Error = why
			} else if err := e.step(ctx, a, &e.suite.Arms[arm], &step); err != nil {
				step.Error, step.Verdict = err.Error(), results.Invalid
				if ctx.Err() != nil {
					step.Error = "interrupted"
				}
			}
			e.Reporter.Done(step)
			e.suite.Steps = append(e.suite.Steps, step)
			if err := e.save(); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return e.finish(ctx)
			}
		}
	}
	e.benchmark(ctx)
	return e.finish(ctx)
}

// finish judges the suite and writes it for the last time.
func (e *execution) finish(ctx context.Context) error {
	e.suite.Partial = ctx.Err() != nil
	Judge(e.suite)
	if err := e.save(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

func (e *execution) save() error {
	e.suite.Ended = time.Now()
	return results.WriteSuite(e.plan.Out, e.suite)
}

// step measures one arm once.
func (e *execution) step(ctx context.Context, a *Arm, arm *results.Arm, step *results.Step) error {
	if step.Repetition == 1 {
		if err := e.conform(ctx, a, arm); err != nil {
			if ctx.Err() == nil {
				e.barred[a.Name] = err.Error()
			}
			return err
		}
	}
	t := target{label: a.Name, ports: 1, idleBytes: a.IdleBytes}
	var s *server
	if f := a.Foreign; f != nil {
		t.url, t.admin, t.pid = f.URL, f.Admin, f.PID
	} else {
		// Not the server that was tested: Go gives little memory back, so the
		// baseline must come from a fresh process.
		var err error
		if s, err = e.start(ctx, a, max(1, e.plan.Shards), e.plan.Load.restarts()); err != nil {
			return err
		}
		defer s.Kill() // at the latest
		arm.Server = s.Argv
		t.url, t.admin, t.pid, t.ports = e.plan.Load.at(s.URL), s.Admin, s.PID(), max(1, e.plan.Shards)
	}
	dir := filepath.Join(strings.ReplaceAll(a.Name, " ", "-"), strconv.Itoa(step.Repetition))
	verdict, err := measure(ctx, e.Loadgen, e.plan.Load, t, filepath.Join(e.plan.Out, dir), e.Reporter.Status)
	if _, openErr := results.Open(filepath.Join(e.plan.Out, dir)); openErr == nil {
		step.Dir, step.Verdict = dir, verdict
	}
	if s == nil {
		return err
	}
	if s.Ended() {
		return fmt.Errorf("the server ended while it was measured: %w", orClean(s.Err()))
	}
	if s.Stop(e.patience.stop) {
		e.find(results.Warning, "server-stop", fmt.Sprintf("%s, repetition %d: the server did not stop within %v of SIGINT and was killed", a.Name, step.Repetition, e.patience.stop))
	} else if stopErr := s.Err(); stopErr != nil && err == nil {
		e.find(results.Warning, "server-stop", fmt.Sprintf("%s, repetition %d: the server did not stop cleanly: %v", a.Name, step.Repetition, stopErr))
	}
	return err
}

// conform asks whether an arm may be measured at all.
func (e *execution) conform(ctx context.Context, a *Arm, arm *results.Arm) (err error) {
	e.Reporter.Status("conformance kit")
	if f := a.Foreign; f != nil {
		if !f.SkipConformance {
			arm.Conformance, err = conform(ctx, e.Server, subject{url: f.URL, admin: f.Admin, insecure: e.plan.Load.Insecure})
		}
		return err
	}
	if a.raw() {
		return nil // it speaks no WebSocket
	}
	if a.Setting != nil {
		for i := range e.suite.Arms {
			if b := &e.suite.Arms[i]; b.Setting != nil && b.Setting.Engine == a.Setting.Engine && b.Conformance.Passed > 0 {
				arm.Conformance = b.Conformance
				return nil
			}
		}
	}
	plain := *a
	plain.Flags = nil // they are about what is served, and the kit is about the engine
	s, err := e.start(ctx, &plain, 1, false)
	if err != nil {
		return err
	}
	defer s.Stop(e.patience.stop)
	arm.Server = s.Argv
	asked := subject{url: s.URL, admin: s.Admin, insecure: e.plan.Load.Insecure, lesson: a.Lesson}
	if a.Program == nil {
		asked.engine = a.engine()
	}
	arm.Conformance, err = conform(ctx, e.Server, asked)
	arm.Conformance.Failed = withLesson(arm.Conformance.Failed, a.Lesson)
	if s.Ended() {
		return fmt.Errorf("the server ended during the conformance kit: %w", orClean(s.Err()))
	}
	return err
}

// start starts a server that can be restarted if it is supervised.
func (e *execution) start(ctx context.Context, a *Arm, shards int, supervised bool) (*server, error) {
	how := e.starting(a)
	how.ports = shards
	if a.Program == nil {
		how.flags = append(shardFlags(a, shards, e.plan.Load.Conns), e.plan.ServerFlags...)
	}
	how.flags = append(how.flags, a.Flags...)
	if supervised {
		how.flags = append(how.flags, "--supervise")
	}
	return startServer(ctx, how, e.ports, e.note)
}

// note records a fact that the reader should know and tells it at once.
func (e *execution) note(text string) {
	e.find(results.Note, "environment", text)
	e.Reporter.Note(text)
}

func (e *execution) find(s results.Severity, check, text string) {
	e.suite.Findings = append(e.suite.Findings, results.Finding{Severity: s, Check: check, Text: text})
}

// orClean gives a process that ended without an error one that can be shown.
func orClean(err error) error {
	if err == nil {
		return fmt.Errorf("exit status 0")
	}
	return err
}
