package main

import (
	"fmt"
	"syscall"
	"time"
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

// listen opens a listener on a free port of 127.0.0.1.
func listen() (fd, port int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, fmt.Errorf("opening a listener: %w", err)
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err == nil {
		err = unix.Listen(fd, 4096)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("listening: %w", err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		return 0, 0, fmt.Errorf("asking for the port: %w", err)
	}
	return fd, at.(*unix.SockaddrInet4).Port, nil
}

// dial connects to port and waits for it. The connection will end with a
// reset: nothing of it stays behind to disturb what is measured next.
func dial(to *unix.SockaddrInet4) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("opening a socket: %w", err)
	}
	for {
		if err = unix.Connect(fd, to); err == unix.EINTR {
			continue
		}
		if err != nil && err != unix.EISCONN {
			return 0, fmt.Errorf("connecting: %w", err)
		}
		break
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return 0, fmt.Errorf("setting TCP_NODELAY: %w", err)
	}
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return 0, fmt.Errorf("setting SO_LINGER: %w", err)
	}
	return fd, nil
}

// accept takes the next connection; it retries what a signal interrupts.
func accept(l int) (int, error) {
	for {
		fd, _, err := unix.Accept4(l, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("accepting: %w", err)
		}
		return fd, nil
	}
}

// monotonic is the kernel's clock, the same for every process.
func monotonic() time.Duration {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return time.Duration(t.Nano())
}
