package yardstick

import (
	"golang.org/x/sys/unix"

	"signalbench/loadgen/internal/fdtable"
)

// dropSockets closes the sockets that the calling thread's descriptor table was
// copied with, but for keep. The connections of a run that goes on meanwhile would
// fill the table and outlive their ends in it. Everything else stays: Go's runtime
// uses its own descriptors from any thread.
func dropSockets(keep int) error {
	size, err := fdtable.Own()
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
