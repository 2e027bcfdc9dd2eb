package orchestrate

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbench/results"
)

// The test binary plays the server and the load generator when it is called by
// their names. The engine's name says how it misbehaves.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "server":
		os.Exit(fakeServer(os.Args[1:]))
	case "loadgen":
		os.Exit(fakeLoadgen(os.Args[1:]))
	}
	// A program under the race detector sleeps for a second before it ends.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	goleak.VerifyTestMain(m)
}

// programs links both names to the test binary in a folder of the test's own.
func programs(t *testing.T) (r *Runner, dir string) {
	t.Helper()
	dir = t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"server", "loadgen"} {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return &Runner{
		Server: filepath.Join(dir, "server"), Loadgen: filepath.Join(dir, "loadgen"),
		Reporter: &recorder{}, patience: patience{ready: 10 * time.Second, stop: 10 * time.Second},
	}, dir
}

// noServerAlive fails the test if a fake server of dir still runs.
func noServerAlive(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "alive"))
	if err != nil {
		t.Fatal(err) // none ever ran
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Errorf("a server is left alive: %v", err)
	}
}

// flag returns the value behind a flag.
func flag(args []string, name string) string {
	if i := slices.Index(args, name); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// once reports whether a file of this name was not there yet, and makes it.
func once(name string) bool {
	f, err := os.OpenFile(filepath.Join(filepath.Dir(os.Args[0]), name), os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		f.Close()
	}
	return err == nil
}

func fail(text string) int {
	fmt.Fprintln(os.Stderr, text)
	return 1
}

func fakeServer(args []string) int {
	engine := flag(args, "--engine")
	if args[0] == "conform" {
		return fakeConform(engine)
	}
	switch engine {
	case "crashing":
		return fail("server: engine crashing: out of luck")
	case "late":
		if once("late") {
			return fail("server: listen tcp: bind: address already in use")
		}
	case "mute":
		select {}
	}
	admin, err := net.Listen("tcp", flag(args, "--admin"))
	if err != nil {
		return fail(err.Error())
	}
	// Two servers of ours at once would share a machine that each claims. The
	// lock ends with the process, however it ends.
	alive, err := os.OpenFile(filepath.Join(filepath.Dir(os.Args[0]), "alive"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fail(err.Error())
	}
	if err := syscall.Flock(int(alive.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fail("another server is alive: " + err.Error())
	}

	pid := os.Getpid()
	if engine == "impostor" {
		pid++
	}
	end := make(chan os.Signal, 1)
	if engine == "deaf" {
		signal.Ignore(syscall.SIGINT)
	} else {
		signal.Notify(end, syscall.SIGINT)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/stats", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"pid": pid, "engine": engine})
	})
	mux.HandleFunc("/die", func(http.ResponseWriter, *http.Request) {
		os.Exit(fail("server: fatal error: concurrent map writes"))
	})
	go http.Serve(admin, mux)
	line, _ := json.Marshal(ready{PID: os.Getpid(), Engine: engine, Listen: []string{flag(args, "--listen")}, Admin: flag(args, "--admin")})
	fmt.Println(string(line))
	<-end
	if engine == "untidy" {
		return fail("server: drain deadline passed: connections were cut")
	}
	return 0
}

func fakeConform(engine string) int {
	c := results.Conformance{Passed: 40}
	code := 0
	switch engine {
	case "broken":
		c.Failed = []results.CaseResult{{Name: "utf8-split", Error: "no close 1007"}}
		code = 1
	case "lesson":
		c.Failed = []results.CaseResult{{Name: "glued-frame", Error: "timeout", Known: "reads only what readiness announces"}}
	case "garbled":
		fmt.Println("panic: not JSON")
		return fail("kit: boom")
	}
	_ = json.NewEncoder(os.Stdout).Encode(c)
	return code
}

func fakeLoadgen(args []string) int {
	label, dir := flag(args, "--label"), flag(args, "--out")
	run := &results.Run{
		ID: label, Label: label, Verdict: results.Valid, Spec: results.Spec{Command: args, URL: flag(args, "--url")},
	}
	write := func(code int) int {
		w, err := results.Create(dir)
		if err != nil {
			return fail(err.Error())
		}
		if err := w.Finish(run); err != nil {
			return fail(err.Error())
		}
		return code
	}
	switch label {
	case "unlucky":
		return fail("loadgen: descriptor limit 20000 is too low")
	case "doubtful":
		run.Verdict = results.Invalid
		return write(2)
	case "liar": // says that all is fine and writes nothing
		return 0
	case "mortal": // the server dies under load
		if res, err := http.Get(flag(args, "--admin") + "/die"); err == nil {
			res.Body.Close()
		}
		run.Verdict = results.Invalid
		return write(2)
	case "patient": // measures until it is told to stop
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGINT)
		fmt.Fprintln(os.Stderr, "client elapsed=1s pending=0 connected=10 failed=0")
		<-c
		run.Partial, run.Verdict = true, results.Invalid
		return write(130)
	}
	return write(0)
}
