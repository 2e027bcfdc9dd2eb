package truth

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"signalbench/results"
)

// TestTables: a generator that may have 400 descriptors in a table holds five
// times as many connections, each of which works, and says how.
func TestTables(t *testing.T) {
	t.Parallel()
	const conns = 2000
	limited := "#!/bin/sh\nulimit -n 400 && exec \"$(dirname \"$0\")/loadgen\" \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "limited"), []byte(limited), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, ramp := range map[string]string{"rate": "2000/s", "max": "max"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t)
			dir := filepath.Join(t.TempDir(), "run")
			g := &generator{start(t, "limited", "run", "--url", server.url, "--out", dir, "--conns=2000", "--first-echo", "--ramp", ramp,
				"--plateaus=2", "--settle=0s", "--workload=echo", "--rate=1000/s", "--warmup=100ms", "--duration=2s"), dir}
			code := g.code(t, time.Minute)
			run, err := results.Open(dir)
			if err != nil {
				t.Fatalf("exit code %d: %v\n%s", code, err, &g.stderr)
			}
			if d := phase(t, run, results.Ramp, "").Dials; d.Scheduled != conns || d.Upgraded != conns || d.Lost != 0 {
				t.Errorf("dials of the ramp: %+v", d)
			}
			echo := phase(t, run, results.Window, "echo")
			if o := echo.Ops; o.Scheduled != conns || o.Scheduled != o.Completed+o.Failed+o.Dropped || o.Failed+o.Corrupt+o.Missing+o.Duplicate != 0 {
				t.Errorf("echoes: %+v", o)
			}
			if rec := server.stop(t); rec.Upgraded < conns {
				t.Errorf("the server upgraded %d connections", rec.Upgraded)
			}
		})
	}
}
