package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/orchestrate"
	"signalbench/compare/internal/progress"
	"signalbench/compare/internal/report"
	"signalbench/compare/internal/toolchain"
	"signalbench/results"
)

// carryOut measures what is planned and shows it.
func carryOut(s *session, bin toolchain.Binaries, plan orchestrate.Plan) error {
	fmt.Fprintf(s.stderr, "compare: results go to %s\n", plan.Out)
	runner := &orchestrate.Runner{Server: bin.Server, Loadgen: bin.Loadgen, Reporter: reporter(s)}
	suite, stopped := runner.Run(s.ctx, plan)
	if suite == nil {
		return stopped
	}
	if stopped != nil && !errors.Is(stopped, context.Canceled) {
		return stopped
	}
	if _, err := show(s, plan.Out, plan.Out); err != nil {
		return errors.Join(err, stopped)
	}
	switch {
	case stopped != nil:
		return &codeError{codeInterrupted, fmt.Errorf("interrupted; what was measured is in %s, marked partial", plan.Out)}
	case suite.Verdict != results.Valid:
		return &codeError{codeInvalid, errors.New("the comparison is INVALID: its figures must not be quoted, the findings say why")}
	}
	return nil
}

// resultFolder is the one asked for, or a new one in results/runs of the module, or
// below the working directory if there is none. What names the command that fills it.
func resultFolder(s *session, out, bin, what string) (string, error) {
	if out != "" {
		return fromHere(out), nil
	}
	root, err := toolchain.Root(s.ctx, ".")
	if err != nil && bin == "" {
		return "", err
	}
	return fromHere(filepath.Join(root, "results", "runs", newID(time.Now(), what))), nil
}

// newID names a suite: unique, and sorted by time.
func newID(now time.Time, what string) string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails
	return now.UTC().Format("20060102T150405Z") + "-" + what + "-" + hex.EncodeToString(b[:])
}

// binaries returns those of dir, or builds them.
func binaries(s *session, dir string) (toolchain.Binaries, error) {
	if dir != "" {
		return toolchain.In(dir)
	}
	begun := time.Now()
	fmt.Fprintln(s.stderr, "compare: building server and loadgen")
	b, err := toolchain.Build(s.ctx, ".")
	if err == nil {
		fmt.Fprintf(s.stderr, "compare: built in %v\n", time.Since(begun).Round(100*time.Millisecond))
	}
	return b, err
}

// reporter draws a bar on a terminal and writes lines elsewhere.
func reporter(s *session) orchestrate.Reporter {
	if f, ok := s.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return progress.NewBar(s.stderr)
	}
	return progress.NewLines(s.stderr)
}

// show reads results, writes their report into out and the tables to stdout.
// Projections are checked against the results in larger.
func show(s *session, dir, out string, larger ...string) (results.Verdict, error) {
	d, err := digest.Open(dir)
	if err != nil {
		return "", err
	}
	var others []*digest.Suite
	for _, l := range larger {
		o, err := digest.Open(l)
		if err != nil {
			return "", err
		}
		others = append(others, o)
	}
	if err := report.Write(out, d, others...); err != nil {
		return "", err
	}
	if err := report.Text(s.stdout, d, others...); err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(s.stdout, "%s\nreport: %s\n", d.Verdict, filepath.Join(out, report.HTMLFile))
	return d.Verdict, err
}

// fromHere names a folder below the working directory from there: the name ends
// up in published files, where a path of one machine says nothing.
func fromHere(dir string) string {
	here, err := os.Getwd()
	if err != nil {
		return dir
	}
	if rel, err := filepath.Rel(here, dir); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return dir
}
