package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// mostReserved is as many descriptors as there is room made for: 1 MB of the kernel's
// memory. Where more are allowed, the table grows by itself from there.
const mostReserved = 1 << 17

// reserveDescriptors makes the process's descriptor table as large as it may become
// (getrlimit(2), RLIMIT_NOFILE), at most mostReserved. Else the kernel doubles it when
// it is full, and where several threads share it each doubling waits for a grace
// period of RCU, 5 to 25 ms, with every accept(2) behind it (Linux, fs/file.c,
// expand_fdtable). An event loop with a table of its own is not concerned.
func reserveDescriptors() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("reading the limit of descriptors: %w", err)
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("making room for descriptors: %w", err)
	}
	defer unix.Close(fd)
	last := min(limit.Cur, mostReserved) - 1
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, int(last))
	switch {
	case errors.Is(err, unix.EMFILE): // the last one is in use, so there is room
		return nil
	case err != nil:
		return fmt.Errorf("making room for descriptors: %w", err)
	}
	return unix.Close(copied)
}
