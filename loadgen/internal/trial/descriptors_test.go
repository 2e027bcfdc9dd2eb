package trial

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signalbench/loadgen/internal/fdtable"
	"signalbench/loadgen/internal/target"
	"signalbench/results"
)

// There is room for all connections of a lane that shares the process's table before
// the first is dialled.
func TestLaunchMakesRoom(t *testing.T) {
	tg, err := target.Resolve(t.Context(), []string{"ws://127.0.0.1:1/"}, "")
	if err != nil {
		t.Fatal(err)
	}
	before, err := fdtable.Of("/proc", os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	p := &Plan{Target: tg, Conns: before.Size + 1, Lanes: 2, Groups: 1, Pending: 8, Payload: 128, DialTimeout: time.Second}
	f, err := launch(t.Context(), p, func() time.Duration { return 0 }, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer f.stop()
	if after, err := fdtable.Of("/proc", os.Getpid()); err != nil || after.Size < p.Conns {
		t.Errorf("room for %d descriptors and %d connections to come, %v", after.Size, p.Conns, err)
	}
}

// A server whose table grows while it is dialled is told of in the run's findings.
func TestRunTellsOfTables(t *testing.T) {
	t.Parallel()
	m, pid := newMachine(t, 4096), os.Getpid()
	status := func(size int) string { return fmt.Sprintf("Name:\tserver\nFDSize:\t%d\nThreads:\t9\n", size) }
	m.set(fmt.Sprint(pid, "/stat"), fmt.Sprintf("%d (server) S 1 %s\n", pid, strings.Repeat("0 ", 48)))
	m.set(fmt.Sprint(pid, "/status"), status(256))
	s := serve(t, false, func(s *server) {
		s.upgraded = func(n int64) {
			if n == 13 {
				m.set(fmt.Sprint(pid, "/status"), status(512))
			}
		}
	})
	p := s.plan(t, Hold)
	p.ServerPID = pid
	run, err := run(t.Context(), p, new(watch), tempo{tick: 100 * time.Millisecond, proc: m.proc})
	if err != nil {
		t.Fatal(err)
	}
	if found := ramps(run); len(found) != 1 || found[0].Severity != results.Note || !strings.Contains(found[0].Text, "from 256 entries to 512") {
		t.Errorf("found %+v", found)
	}
}

// A table that grew is told of where threads share it, and only then.
func TestOutgrown(t *testing.T) {
	proc := t.TempDir()
	process := func(pid, parent, size, threads int) {
		dir := filepath.Join(proc, fmt.Sprint(pid))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"stat":   fmt.Sprintf("%d (server) S %d %s\n", pid, parent, strings.Repeat("0 ", 48)),
			"status": fmt.Sprintf("Name:\tserver\nFDSize:\t%d\nThreads:\t%d\n", size, threads),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := &runner{plan: &Plan{ServerPID: 7}, tempo: tempo{proc: proc}, result: &results.Run{}}
	grow := func(sizes ...int) string {
		r.result.Findings = nil
		for i, threads := range []int{9, 9, 9, 1} {
			process(7+i, []int{1, 7, 7, 7}[i], []int{256, 512, 256, 256}[i], threads)
		}
		before := tables(proc, 7)
		if len(before) != 4 {
			t.Fatalf("tables of %v", before)
		}
		for i, size := range sizes {
			process(7+i, []int{1, 7, 7, 7}[i], size, before[7+i].Threads)
		}
		process(20, 7, 4096, 9) // has come meanwhile
		r.outgrown("ramp", before)
		if err := os.RemoveAll(filepath.Join(proc, "20")); err != nil {
			t.Fatal(err)
		}
		if len(r.result.Findings) == 0 {
			return ""
		}
		f := r.result.Findings[0]
		if f.Severity != results.Note || f.Phase != "ramp" {
			t.Errorf("%+v", f)
		}
		return f.Text
	}
	if text := grow(256, 512, 256, 16384); text != "" {
		t.Errorf("one thread has the table to itself: %s", text)
	}
	if text := grow(256, 2048, 512, 256); !strings.HasPrefix(text, "in 2 of the server's processes the table of descriptors grew, from 256 entries to 2048") {
		t.Errorf("told: %q", text)
	}
	if got := tables(proc, 0); len(got) != 0 {
		t.Errorf("nobody's tables: %v", got)
	}
}
