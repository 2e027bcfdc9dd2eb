package outbox

import (
	"sync"
	"syscall"
	"unsafe"
)

// writeNow writes what the kernel takes of p now, which may be nothing. The call
// does not wait, so the scheduler need not be told of it.
func writeNow(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch errno {
		case 0:
			return int(n), 0
		case syscall.EAGAIN:
			return 0, 0
		case syscall.EINTR:
			continue
		}
		return 0, errno
	}
}

// A reading is what a RawConn calls, with the descriptor held open, until there
// is something to read. Readings are pooled with that function bound: a closure
// for each read would be an allocation for each message.
type reading struct {
	p     []byte
	n     int
	errno syscall.Errno
	try   func(fd uintptr) (done bool)
}

var readings = sync.Pool{New: func() any {
	r := new(reading)
	r.try = func(fd uintptr) bool {
		for {
			n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(r.p))), uintptr(len(r.p)))
			if errno == syscall.EINTR {
				continue
			}
			r.n, r.errno = int(n), errno
			return errno != syscall.EAGAIN // else wait
		}
	}
	return r
}}
