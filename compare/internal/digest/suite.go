package digest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"signalbench/results"
)

// A Suite is a comparison with its runs. It is read-only and may be used from
// any goroutine.
type Suite struct {
	*results.Suite
	Dir  string
	Arms []*Arm // in the order of the plan
}

// An Arm is one thing under comparison with what was measured of it.
type Arm struct {
	results.Arm
	Runs  []*Run         // in the order of repetitions; without those that wrote no run
	Steps []results.Step // all of them, also those that failed
	// Verdict is VALID if every repetition asked for was measured and is valid.
	Verdict results.Verdict
}

// Open reads the folder of a suite, or of a single run, which it presents as a
// suite of one arm and one repetition. Errors name the file.
func Open(dir string) (*Suite, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("opening results: %w", err)
	}
	stored, err := results.OpenSuite(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if stored, err = single(dir); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("opening results: %s holds neither a suite (suite.json) nor a run (run.json)", dir)
		}
	}
	if err != nil {
		return nil, err
	}
	s := &Suite{Suite: stored, Dir: dir}
	for i := range stored.Arms {
		a := &Arm{Arm: stored.Arms[i], Verdict: results.Valid}
		for _, step := range stored.Steps {
			if step.Arm != a.Name {
				continue
			}
			a.Steps = append(a.Steps, step)
			if step.Dir == "" {
				continue
			}
			run, err := openRun(filepath.Join(dir, step.Dir), step.Repetition, a.Server)
			if err != nil {
				return nil, err
			}
			a.Runs = append(a.Runs, run)
		}
		if len(a.valid()) < stored.Repetitions {
			a.Verdict = results.Invalid
		}
		s.Arms = append(s.Arms, a)
	}
	return s, nil
}

// single wraps a run folder into a suite.
func single(dir string) (*results.Suite, error) {
	run, err := results.Open(dir)
	if err != nil {
		return nil, err
	}
	name := run.Label
	if name == "" {
		name = run.Target.Engine
	}
	if name == "" {
		name = run.Spec.URL
	}
	return &results.Suite{
		Schema: results.SchemaSuite, ID: run.ID, Title: "one run of " + name,
		Started: run.Started, Ended: run.Ended, Partial: run.Partial,
		Command: run.Spec.Command, Env: run.Env,
		Arms: []results.Arm{{Name: name}}, Repetitions: 1, Seed: run.Spec.Seed,
		NoClaim: "one run, nothing to compare it with",
		Steps:   []results.Step{{Arm: name, Repetition: 1, Dir: ".", Verdict: run.Verdict}},
		Verdict: run.Verdict,
	}, nil
}

// Arm returns the arm of that name, or nil.
func (s *Suite) Arm(name string) *Arm {
	for _, a := range s.Arms {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// First returns the first run of the suite that was measured, or nil.
func (s *Suite) First() *Run {
	for _, a := range s.Arms {
		if len(a.Runs) > 0 {
			return a.Runs[0]
		}
	}
	return nil
}

// Raw reports whether what was measured of the arm was bytes over TCP, without
// WebSocket: it has no upgrades, and was not asked for conformance.
func (a *Arm) Raw() bool {
	return len(a.Runs) > 0 && strings.HasPrefix(a.Runs[0].Spec.URL, "tcp://")
}

// valid returns the runs that are valid.
func (a *Arm) valid() []*Run {
	var valid []*Run
	for i, r := range a.Runs {
		if r.Verdict == results.Valid && a.stepOf(i).Error == "" {
			valid = append(valid, r)
		}
	}
	return valid
}

// stepOf returns the step that run i came from.
func (a *Arm) stepOf(i int) results.Step {
	for _, s := range a.Steps {
		if s.Dir != "" && s.Repetition == a.Runs[i].Repetition {
			return s
		}
	}
	return results.Step{}
}

// Counted returns the runs that the arm's figures are taken from: the valid
// ones, or, when none is valid, all of them; the arm's row is then INVALID.
func (a *Arm) Counted() []*Run {
	if valid := a.valid(); len(valid) > 0 {
		return valid
	}
	return a.Runs
}
