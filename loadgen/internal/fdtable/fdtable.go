package fdtable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Reserve makes the calling thread's table one for n descriptors, or for as many as
// it may have (getrlimit(2), RLIMIT_NOFILE), at once: 8 B of the kernel's memory for
// each. It stays so large.
func Reserve(n int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("reading the limit of descriptors: %w", err)
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("making room for %d descriptors: %w", n, err)
	}
	defer unix.Close(fd)
	last := min(uint64(max(n, 1)), limit.Cur) - 1
	// The lowest free number that is not below last; nothing is ever in its way for
	// long, and one above the limit is refused.
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, int(last))
	switch {
	case errors.Is(err, unix.EMFILE): // the last one is in use, so there is room
		return nil
	case err != nil:
		return fmt.Errorf("making room for %d descriptors: %w", n, err)
	}
	return unix.Close(copied)
}

// Own is how many descriptors the calling thread's table has room for at present
// (proc(5), FDSize). To list them would cost the kernel an inode for each.
func Own() (int, error) {
	// Not by package os, which would tell Go's poller of the descriptor.
	fd, err := unix.Open("/proc/thread-self/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("reading the size of the descriptor table: %w", err)
	}
	defer unix.Close(fd)
	var buf [8 << 10]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return 0, fmt.Errorf("reading the size of the descriptor table: %w", err)
	}
	return field(string(buf[:n]), "FDSize")
}

// A Table is what a process has.
type Table struct {
	Size    int // descriptors that there is room for
	Threads int // that the process has; one of them may have left the table
}

// Of reads the table of the process pid from the /proc at root (proc(5), status).
func Of(root string, pid int) (Table, error) {
	status, err := os.ReadFile(filepath.Join(root, strconv.Itoa(pid), "status"))
	if err != nil {
		return Table{}, fmt.Errorf("reading the size of the descriptor table: %w", err)
	}
	size, err := field(string(status), "FDSize")
	if err != nil {
		return Table{}, err
	}
	threads, err := field(string(status), "Threads")
	return Table{size, threads}, err
}

// field finds a number in a status file.
func field(status, name string) (int, error) {
	_, line, _ := strings.Cut(status, "\n"+name+":")
	var n int
	if _, err := fmt.Sscan(line, &n); err != nil {
		return 0, fmt.Errorf("reading the size of the descriptor table: %s: %w", name, err)
	}
	return n, nil
}
