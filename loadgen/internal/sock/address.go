package sock

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// address is a socket address as the kernel reads it, without an allocation.
type address struct {
	v4   unix.RawSockaddrInet4
	v6   unix.RawSockaddrInet6
	size uintptr
	is6  bool
}

func (a *address) set(to netip.AddrPort) {
	port := to.Port()
	order := (*[2]byte)(unsafe.Pointer(&a.v4.Port))
	a.is6 = !to.Addr().Unmap().Is4()
	if a.is6 {
		order = (*[2]byte)(unsafe.Pointer(&a.v6.Port))
		a.v6.Family, a.v6.Addr, a.size = unix.AF_INET6, to.Addr().As16(), unix.SizeofSockaddrInet6
	} else {
		a.v4.Family, a.v4.Addr, a.size = unix.AF_INET, to.Addr().Unmap().As4(), unix.SizeofSockaddrInet4
	}
	order[0], order[1] = byte(port>>8), byte(port)
}

func (a *address) family() int {
	if a.is6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// call runs connect(2) or bind(2).
func (a *address) call(trap uintptr, fd int32) unix.Errno {
	at := unsafe.Pointer(&a.v4)
	if a.is6 {
		at = unsafe.Pointer(&a.v6)
	}
	_, _, errno := unix.RawSyscall(trap, uintptr(fd), uintptr(at), a.size)
	return errno
}
