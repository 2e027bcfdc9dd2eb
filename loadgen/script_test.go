package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// exitCode is "code N PROGRAM ARG...": the program must end with N.
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := codeOf(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// measured is "measured PROGRAM ARG...": the program must come to a verdict,
// whichever it is. A busy machine may make a generator late, which is no fault
// of a script.
func measured(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: measured PROGRAM ARG...")
	}
	if got := codeOf(ts.Exec(args[0], args[1:]...)); got != 0 && got != exitInvalid {
		ts.Fatalf("exit code %d, want 0 or %d", got, exitInvalid)
	}
}

func codeOf(err error) int {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// interrupt is "interrupt N TEXT[,TEXT] PROGRAM ARG...": once the program writes
// a line with TEXT to stderr, it gets a signal, and must end with N. Its output
// goes to the files out and err.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupt N TEXT PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	program := exec.Command(args[2], args[3:]...)
	program.Dir = ts.MkAbs(".")
	program.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
	if path, err := lookPath(ts.Getenv("PATH"), args[2]); err == nil {
		program.Path, program.Err = path, nil
	}
	out, err := os.Create(ts.MkAbs("out"))
	ts.Check(err)
	defer out.Close()
	program.Stdout = out
	stderr, err := program.StderrPipe()
	ts.Check(err)
	ts.Check(program.Start())
	guard := time.AfterFunc(time.Minute, func() { _ = program.Process.Kill() })
	defer guard.Stop()
	var text strings.Builder
	signals := strings.Split(args[1], ",")
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		if len(signals) > 0 && strings.Contains(lines.Text(), signals[0]) {
			signals = signals[1:]
			ts.Check(program.Process.Signal(syscall.SIGINT))
		}
	}
	code := codeOf(program.Wait())
	ts.Check(os.WriteFile(ts.MkAbs("err"), []byte(text.String()), 0o644))
	if code != want || len(signals) > 0 {
		ts.Fatalf("exit code %d, want %d; signals not sent: %q\n%s", code, want, signals, text.String())
	}
}

func lookPath(list, name string) (string, error) {
	for _, dir := range strings.Split(list, ":") {
		if info, err := os.Stat(dir + "/" + name); err == nil && !info.IsDir() {
			return dir + "/" + name, nil
		}
	}
	return "", exec.ErrNotFound
}

// waitFor is "waitfor FILE NAME": NAME becomes what is in the file, once it is
// there.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfor FILE NAME")
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-tick.C {
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && strings.HasSuffix(string(text), "\n") {
			ts.Setenv(args[1], strings.TrimSpace(string(text)))
			return
		}
	}
	ts.Fatalf("%s did not come", args[0])
}
