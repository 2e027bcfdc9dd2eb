package orchestrate

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbench/compare/internal/fake"
)

// The test binary plays the server and the load generator when it is called by
// their names. The engine's name says how it misbehaves.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "server":
		os.Exit(fake.Server(os.Args[1:]))
	case "loadgen":
		os.Exit(fake.Loadgen(os.Args[1:]))
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
