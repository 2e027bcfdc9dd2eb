package fdtable

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The table grows to what is asked for, and no descriptor is left behind.
func TestReserve(t *testing.T) {
	before, err := Of("/proc", os.Getpid())
	if err != nil || before.Threads < 2 {
		t.Fatalf("%+v, %v", before, err)
	}
	for _, n := range []int{before.Size, 2*before.Size + 1, 1, 0} {
		if err := Reserve(n); err != nil {
			t.Fatal(err)
		}
		size, err := Own()
		if err != nil || size < n {
			t.Fatalf("room for %d after %d were asked for, %v", size, n, err)
		}
		if n <= before.Size {
			continue
		}
		if _, err := unix.FcntlInt(uintptr(n-1), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
			t.Errorf("descriptor %d is left: %v", n-1, err)
		}
	}
	after, err := Of("/proc", os.Getpid())
	if err != nil || after.Size <= 2*before.Size {
		t.Errorf("%+v after %+v, %v", after, before, err)
	}
}

// More than there may be is as many as there may be.
func TestReserveAtTheLimit(t *testing.T) {
	if os.Getenv("FDTABLE_LIMITED") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestReserveAtTheLimit$", "-test.v")
		cmd.Env = append(os.Environ(), "FDTABLE_LIMITED=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "has room for 1") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1000, Max: 1000}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Reserve(1 << 20); err != nil {
			t.Fatal(err)
		}
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 999) // and again where the last one is in use
		if err != nil && !errors.Is(err, unix.EMFILE) {
			t.Fatal(fd, err)
		}
	}
	size, err := Own()
	if err != nil || size < 1000 || size > 1024 {
		t.Fatal(size, err)
	}
	t.Logf("has room for %d", size)
}

func TestOfNobody(t *testing.T) {
	if _, err := Of(t.TempDir(), 1); err == nil {
		t.Error("there is no such process")
	}
	if _, err := field("Name:\tx\nThreads:\tmany\n", "Threads"); err == nil {
		t.Error("many is no number")
	}
}
