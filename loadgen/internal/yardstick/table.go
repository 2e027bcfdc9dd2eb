package yardstick

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// dropSockets closes the sockets that the calling thread's descriptor table was
// copied with, but for keep. The connections of a run that goes on meanwhile would
// fill the table and outlive their ends in it. Everything else stays: Go's runtime
// uses its own descriptors from any thread.
func dropSockets(keep int) error {
	size, err := tableSize()
	if err != nil {
		return err
	}
	var st unix.Stat_t
	for fd := 3; fd < size; fd++ {
		if fd != keep && unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFSOCK {
			_ = unix.Close(fd)
		}
	}
	return nil
}

// tableSize is how many descriptors the thread's table has room for at present
// (proc(5), FDSize). To list them would cost the kernel an inode for each.
func tableSize() (int, error) {
	// Not by package os, which would tell Go's poller of the descriptor.
	fd, err := unix.Open("/proc/thread-self/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("reading the size of the descriptor table: %w", err)
	}
	defer unix.Close(fd)
	var buf [8 << 10]byte
	n, err := unix.Read(fd, buf[:])
	_, line, _ := strings.Cut(string(buf[:max(0, n)]), "FDSize:")
	var size int
	if _, err2 := fmt.Sscan(line, &size); err2 != nil {
		return 0, fmt.Errorf("reading the size of the descriptor table: %w", errors.Join(err, err2))
	}
	return size, nil
}
