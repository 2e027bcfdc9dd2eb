package netpoll

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The three calls of the hot path on non-blocking descriptors, made without
// telling the Go scheduler: none of them waits, so there is nothing that another
// goroutine could make of the processor meanwhile.

// read reads into p, which is not empty.
func read(fd int, p []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return int(n), errno
}

// write writes p, which is not empty. A peer that is gone makes EPIPE and no
// signal: Go's runtime ignores SIGPIPE on descriptors above 2.
func write(fd int, p []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return int(n), errno
}

// accept takes a connection, non-blocking; its address is not asked for.
func accept(fd int) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	return int(n), errno
}
