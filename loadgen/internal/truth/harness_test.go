package truth

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"signalbench/results"
)

// Exit codes of the load generator.
const (
	exitValid       = 0
	exitError       = 1
	exitInvalid     = 2
	exitInterrupted = 130
)

// bin is where TestMain builds the commands, without the race detector: it
// would be most of the time that is measured.
var bin string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if bin, err = os.MkdirTemp("", "truth"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(bin)
		build := exec.Command("go", "build", "-o", bin+"/", "signalbench/loadgen", "signalbench/server",
			"signalbench/loadgen/internal/refserver", "signalbench/loadgen/internal/bare")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the commands: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// A child is a process of ours that ends with the test, however that ends.
type child struct {
	*exec.Cmd
	stderr log
	lines  *bufio.Reader // of stdout
	ended  chan struct{}
	err    error // of Wait, once ended
}

// log is what a child wrote to stderr so far.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func start(t testing.TB, name string, args ...string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(filepath.Join(bin, name), args...), ended: make(chan struct{})}
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
	c.Stderr = &c.stderr
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.lines = w, bufio.NewReader(r)
	if err := c.Start(); err != nil {
		t.Fatalf("starting %s: %v", name, err)
	}
	w.Close()
	go func() {
		c.err = c.Wait()
		close(c.ended)
	}()
	t.Cleanup(func() {
		c.Process.Signal(syscall.SIGCONT)
		c.Process.Kill()
		<-c.ended
		r.Close()
	})
	return c
}

// ahead puts all other work of the machine behind the child, as far as that is
// allowed: what else runs there is not what is tested. Where sessions share the
// CPU as groups (sched_autogroup_enabled) a nice value counts only within one,
// so the child, which has a session of its own, is made nice as a group too.
func (c *child) ahead() {
	const nice = -15
	os.WriteFile(c.proc("autogroup"), []byte(strconv.Itoa(nice)), 0)
	c.threads(func(tid int) { syscall.Setpriority(syscall.PRIO_PROCESS, tid, nice) })
}

// atOnce lets a child that mostly sleeps run as soon as it wakes up, ahead even
// of [child.ahead]. One that spins must not have it: the kernel takes the CPU
// from real-time threads for a part of each second (sched_rt_runtime_us).
func (c *child) atOnce() {
	c.threads(func(tid int) {
		unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0)
	})
}

func (c *child) proc(name string) string {
	return filepath.Join("/proc", strconv.Itoa(c.Process.Pid), name)
}

// threads calls f for the threads of the child; those to come inherit from them.
func (c *child) threads(f func(tid int)) {
	all, _ := os.ReadDir(c.proc("task"))
	for _, thread := range all {
		if tid, err := strconv.Atoi(thread.Name()); err == nil {
			f(tid)
		}
	}
}

// decode reads the next line that the child prints.
func (c *child) decode(t testing.TB, v any) {
	t.Helper()
	line, err := c.lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, v)
	}
	if err != nil {
		t.Fatalf("%s printed %q: %v\n%s", filepath.Base(c.Path), line, err, &c.stderr)
	}
}

// code waits for the child and returns its exit code; it fails the test if the
// child lives longer than within.
func (c *child) code(t testing.TB, within time.Duration) int {
	t.Helper()
	select {
	case <-c.ended:
	case <-time.After(within):
		t.Fatalf("%s still runs after %v\n%s", filepath.Base(c.Path), within, &c.stderr)
	}
	if exit, ok := errors.AsType[*exec.ExitError](c.err); ok {
		return exit.ExitCode()
	}
	if c.err != nil {
		t.Fatalf("waiting for %s: %v", filepath.Base(c.Path), c.err)
	}
	return 0
}

// await waits until the child has written text to stderr.
func (c *child) await(t testing.TB, text string) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); !strings.Contains(c.stderr.String(), text); {
		select {
		case <-c.ended:
			t.Fatalf("%s ended (%v) before it said %q\n%s", filepath.Base(c.Path), c.err, text, &c.stderr)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(limit) {
			t.Fatalf("%s never said %q\n%s", filepath.Base(c.Path), text, &c.stderr)
		}
	}
}

// A reference is a running refserver.
type reference struct {
	*child
	url string
}

// record is what refserver says that it did.
type record struct {
	Upgraded, Messages, Spoiled, Echoes uint64
	Stalls                              int
	Stalled                             time.Duration `json:"stalled_ns"`
	DelayP50                            time.Duration `json:"delay_p50_ns"`
	DelayP99                            time.Duration `json:"delay_p99_ns"`
	DelayMax                            time.Duration `json:"delay_max_ns"`
}

func serve(t testing.TB, args ...string) *reference {
	t.Helper()
	c := start(t, "refserver", args...)
	return &reference{c, "ws://" + c.listening(t) + "/echo"}
}

// listening reads the line with which a server says that it is ready.
func (c *child) listening(t testing.TB) string {
	t.Helper()
	var hello struct{ Listen []string }
	if c.decode(t, &hello); len(hello.Listen) == 0 {
		t.Fatal("the server does not say where it listens")
	}
	return hello.Listen[0]
}

// stop ends the server and returns its record.
func (r *reference) stop(t testing.TB) (rec record) {
	t.Helper()
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	r.decode(t, &rec)
	if code := r.code(t, 5*time.Second); code != 0 {
		t.Fatalf("refserver exits with %d\n%s", code, &r.stderr)
	}
	return rec
}

// A generator is a running loadgen.
type generator struct {
	*child
	dir string
}

// generate starts a run. Its arguments come on top of a short plan.
func generate(t testing.TB, url string, args ...string) *generator {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	return &generator{start(t, "loadgen", append([]string{"run", "--url", url, "--out", dir, "--lanes", "1"}, args...)...), dir}
}

// finish waits for the run, expects its exit code, and reads it.
func (g *generator) finish(t testing.TB, within time.Duration, want int) *results.Run {
	t.Helper()
	code := g.code(t, within)
	run, err := results.Open(g.dir)
	if code != want || err != nil {
		if run != nil {
			for _, f := range run.Findings {
				t.Logf("%s %s %s: %s", f.Severity, f.Check, f.Phase, f.Text)
			}
		}
		t.Fatalf("exit code %d, want %d; reading the run: %v\n%s", code, want, err, &g.stderr)
	}
	if want == exitInvalid && run.Verdict != results.Invalid || want == exitValid && run.Verdict != results.Valid {
		t.Fatalf("exit code %d with the verdict %s", code, run.Verdict)
	}
	return run
}

// undisturbed waits for the run and reads it. It is nil for a run that found
// itself INVALID because of its own lag: then the machine had no time for it.
// Unless that may be, it fails the test.
func (g *generator) undisturbed(t testing.TB, within time.Duration, maybe bool) *results.Run {
	t.Helper()
	want := exitValid
	if code := g.code(t, within); maybe && code == exitInvalid {
		want = code
	}
	run := g.finish(t, within, want)
	if want == exitValid {
		return run
	}
	for _, f := range run.Findings {
		if f.Severity == results.Fatal && f.Check != results.CheckLag {
			t.Fatalf("%s: %s", f.Check, f.Text)
		}
	}
	t.Logf("disturbed: %+v", run.Findings)
	return nil
}

// phase finds the first phase of a kind, and of a workload if it belongs to one.
func phase(t testing.TB, run *results.Run, kind results.PhaseKind, workload string) *results.Phase {
	t.Helper()
	for i := range run.Phases {
		if p := &run.Phases[i]; p.Kind == kind && (p.Workload == workload || p.Workload == "") {
			return p
		}
	}
	t.Fatalf("the run has no phase %s of %s", kind, workload)
	return nil
}

// metric finds a metric that has to be there.
func metric(t testing.TB, p *results.Phase, name string) results.Metric {
	t.Helper()
	m, ok := p.Metric(name)
	if !ok || m.Count == 0 {
		t.Fatalf("phase %s tells no %s", p.Name, name)
	}
	return m
}

// hasFinding reports whether a check was broken badly enough for the verdict.
func hasFinding(run *results.Run, checks ...string) bool {
	for _, f := range run.Findings {
		for _, c := range checks {
			if f.Severity == results.Fatal && f.Check == c {
				return true
			}
		}
	}
	return false
}

// together adds up the operations of all phases.
func together(run *results.Run) (sum results.Ops) {
	for _, p := range run.Phases {
		sum.Scheduled += p.Ops.Scheduled
		sum.Completed += p.Ops.Completed
		sum.Failed += p.Ops.Failed
		sum.Dropped += p.Ops.Dropped
		sum.Missing += p.Ops.Missing
		sum.Duplicate += p.Ops.Duplicate
		sum.Reordered += p.Ops.Reordered
		sum.Corrupt += p.Ops.Corrupt
	}
	return sum
}
