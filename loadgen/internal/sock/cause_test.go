package sock

import (
	"testing"

	"golang.org/x/sys/unix"

	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// What can be told apart by errno is: each calls for another remedy.
func TestCausesStayApart(t *testing.T) {
	seen := make(map[results.Cause]unix.Errno)
	for _, errno := range []unix.Errno{
		unix.ECONNREFUSED, unix.ETIMEDOUT, unix.ECONNRESET, unix.EADDRNOTAVAIL, unix.EMFILE, unix.ENFILE, unix.ENOSPC, unix.ENOBUFS, unix.ENETUNREACH, unix.EPERM,
	} {
		why := cause(errno)
		if other, ok := seen[why]; ok || why == "" {
			t.Errorf("%v and %v are both %q", other, errno, why)
		}
		seen[why] = errno
	}
}

// A table that is full says so, and does not break what is open.
func TestTableIsFull(t *testing.T) {
	to := listen(t, echo)
	s, j := newSet(t, 2), newJournal()
	dial(t, s, j, 0, wire.Route{To: to}, "here")
	within(t, s, j, func() bool { return string(j.data[0]) == "here" }) // accepted
	// The limit holds for new descriptors of the whole process, so nothing
	// else may open one meanwhile.
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	low := was
	low.Cur = 3
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	_, why := s.Dial(1, wire.Route{To: to}, nil)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if why != results.CauseDescriptors {
		t.Errorf("%q, want %q", why, results.CauseDescriptors)
	}
	s.Send(0, []byte(" still"))
	within(t, s, j, func() bool { return string(j.data[0]) == "here still" })
}
