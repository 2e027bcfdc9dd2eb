package main

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batch  = 512      // events taken by one epoll_wait
	buffer = 64 << 10 // bytes taken by one receive
)

// A poll is an edge-triggered epoll instance with the buffers of its thread. As
// at most one record is outstanding on a connection, one receive per event
// drains it.
type poll struct {
	fd     int
	events [batch]unix.EpollEvent
	bytes  [buffer]byte
}

func newPoll() (*poll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("creating epoll: %w", err)
	}
	return &poll{fd: fd}, nil
}

func (p *poll) add(fd int) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		return fmt.Errorf("adding to epoll: %w", err)
	}
	return nil
}

// wait blocks, runtime and all: the thread has nothing else to do.
func (p *poll) wait() int {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events)), batch, ^uintptr(0), 0, 0)
	if errno != 0 {
		return 0 // EINTR: the caller asks again
	}
	return int(n)
}

// receive takes what has arrived on fd; a negative length is an error or
// nothing there.
func (p *poll) receive(fd int32) int {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&p.bytes)), buffer, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return -1
	}
	return int(n)
}

// send hands the first n bytes of the buffer to fd.
func (p *poll) send(fd int32, n int) bool {
	sent, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p.bytes)), uintptr(n), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	return errno == 0 && int(sent) == n
}
