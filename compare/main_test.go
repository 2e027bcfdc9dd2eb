package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"signalbench/compare/internal/fake"
	"signalbench/compare/internal/fixture"
)

// TestMain makes the test binary play all three programs in scripts: compare as
// it is, server and loadgen as fakes.
func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0") // or each program sleeps for a second under the race detector
	testscript.Main(m, map[string]func(){
		"compare": main,
		"server":  func() { os.Exit(fake.Server(os.Args[1:])) },
		"loadgen": func() { os.Exit(fake.Loadgen(os.Args[1:])) },
	})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			// The fakes keep their state beside them, so each script has its own.
			bin := filepath.Join(e.WorkDir, "bin")
			if err := os.Mkdir(bin, 0o755); err != nil {
				return err
			}
			for _, name := range []string{"server", "loadgen"} {
				path, err := exec.LookPath(name)
				if err != nil {
					return err
				}
				if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
					return err
				}
			}
			e.Setenv("BIN", bin)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"suite":   writeSuite,
			"code":    exitsWith,
			"waitfor": waitFor,
		},
	})
}

// writeSuite is "suite DIR REPETITIONS [KIND]": a synthetic comparison, which
// is INVALID for the kind "invalid", fatter for "fat", and only holds 1,000 or
// 4,000 connections for "held" and "larger".
func writeSuite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: suite DIR REPETITIONS [KIND]")
	}
	var n int
	if _, err := fmt.Sscan(args[1], &n); err != nil {
		ts.Fatalf("repetitions: %v", err)
	}
	engines := fixture.Lean(fixture.Engines()[2:])
	if len(args) > 2 {
		switch args[2] {
		case "invalid":
			engines[0].Invalid = true
		case "fat":
			engines[0].RSS *= 2
		case "held":
			engines[0].Held = 1000
		case "larger":
			engines[0].Held = 4000
		}
	}
	fixture.Suite(script{ts}, ts.MkAbs(args[0]), n, engines...)
}

// script is a Fataler.
type script struct{ ts *testscript.TestScript }

func (script) Helper()             {}
func (s script) Fatal(args ...any) { s.ts.Fatalf("%s", fmt.Sprint(args...)) }

// exitsWith is "code N ARG...": compare ends with that exit code.
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{fmt.Errorf("x: %w", context.Canceled), 130},
		{&codeError{2, errors.New("x")}, 2},
		{fmt.Errorf("x: %w", &codeError{code: 2}), 2},
	} {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("exitCode(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestFlagValues(t *testing.T) {
	t.Parallel()
	var p percent
	for text, want := range map[string]percent{"5%": 0.05, " 0.5 % ": 0.005, "0%": 0} {
		if err := p.UnmarshalText([]byte(text)); err != nil || p != want {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"5", "-5%", "x%", "", "inf%", "nan%"} {
		if err := p.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, p)
		}
	}
	var r perSecond
	for _, text := range []string{"5000/s", "max", "0.5/s"} {
		if err := r.UnmarshalText([]byte(text)); err != nil || string(r) != text {
			t.Errorf("%q: %v, %v", text, r, err)
		}
	}
	for _, text := range []string{"5000", "0/s", "-1/s", "fast", "NaN/s"} {
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as a rate", text)
		}
	}
	var s setting
	if err := s.UnmarshalText([]byte("outbox=64KiB")); err != nil || s != "--outbox=64KiB" {
		t.Errorf("%v, %v", s, err)
	}
	for _, text := range []string{"outbox", "--outbox=1", "listen=127.0.0.1:1", "=1"} {
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as a server flag", text)
		}
	}
}

// waitFor is "waitfor FILE": until the file is there.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor FILE")
	}
	path := ts.MkAbs(args[0])
	deadline := time.Now().Add(30 * time.Second)
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s does not appear", path)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
