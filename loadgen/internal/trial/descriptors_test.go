package trial

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"signalbench/results"
)

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
			process(7+i, []int{1, 7, 7, 7}[i], 256, threads)
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
	if text := grow(256, 256, 256, 16384); text != "" {
		t.Errorf("one thread has the table to itself: %s", text)
	}
	if text := grow(256, 512, 2048, 256); !strings.HasPrefix(text, "in 2 of the server's processes the table of descriptors grew, from 256 entries to 2048") {
		t.Errorf("told: %q", text)
	}
	if got := tables(proc, 0); len(got) != 0 {
		t.Errorf("nobody's tables: %v", got)
	}
}
