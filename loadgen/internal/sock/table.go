package sock

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// ownDescriptors is how many descriptors of a table are not for connections:
// epoll, files, the runtime's own, and some to spare.
const ownDescriptors = 64

// Tables returns how many descriptor tables conns connections need where no
// table may have more than limit entries, 1 if they fit into the one that there
// is. Each table holds a copy of the wake-up descriptor of all others. So
// there is a number of tables that holds the most; where even that is too few,
// it is the answer.
func Tables(conns, limit int) int {
	most := max(1, (limit-ownDescriptors)/2)
	for n := 1; n < most; n++ {
		if n*(limit-ownDescriptors-n) >= conns {
			return n
		}
	}
	return most
}

// DescriptorLimit is the most entries that a table of this process may have
// (getrlimit(2), RLIMIT_NOFILE).
func DescriptorLimit() (int, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("reading the limit of descriptors: %w", err)
	}
	return int(min(l.Cur, 1<<30)), nil
}

// leaveTable gives the calling thread a descriptor table of its own, a copy of
// the one it leaves (unshare(2), CLONE_FILES). The goroutine must be locked to
// the thread for good. The copies stay open: Go's runtime writes to its own
// descriptors from any thread, and must find them under their numbers.
func leaveTable() error {
	if err := unix.Unshare(unix.CLONE_FILES); err != nil {
		return fmt.Errorf("leaving the descriptor table that all threads share: %w", err)
	}
	return nil
}

// startPoller makes the runtime open the descriptors of its network poller, which
// it does with the first timer, so that tables copied from now on have them.
func startPoller() { time.AfterFunc(time.Hour, func() {}).Stop() }

// Descriptors returns how many descriptors the calling thread's table holds
// (proc(5), /proc/thread-self/fd: since Linux 6.2 its size is their number), 0 if
// the kernel does not tell.
func Descriptors() int64 {
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/fd", &st); err != nil {
		return 0
	}
	return st.Size
}
