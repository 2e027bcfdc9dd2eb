package yardstick

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Listen opens a listener on a free port of 127.0.0.1.
func Listen() (fd, port int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, fmt.Errorf("opening a listener: %w", err)
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err == nil {
		err = unix.Listen(fd, 4096)
	}
	if err != nil {
		_ = unix.Close(fd)
		return 0, 0, fmt.Errorf("listening: %w", err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		_ = unix.Close(fd)
		return 0, 0, fmt.Errorf("asking for the port: %w", err)
	}
	return fd, at.(*unix.SockaddrInet4).Port, nil
}

// Dial connects to port and waits for it. The connection will end with a
// reset: nothing of it stays behind to disturb what is measured next.
func Dial(to *unix.SockaddrInet4) (int, error) { return DialFrom(nil, to) }

// DialFrom is Dial from an address, whose port connect(2) chooses for the whole
// tuple (ip(7), IP_BIND_ADDRESS_NO_PORT); nil leaves the address to the kernel.
func DialFrom(from, to *unix.SockaddrInet4) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("opening a socket: %w", err)
	}
	if from != nil {
		if err = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err == nil {
			err = unix.Bind(fd, from)
		}
		if err != nil {
			_ = unix.Close(fd)
			return 0, fmt.Errorf("binding to %v: %w", from.Addr, err)
		}
	}
	for {
		if err = unix.Connect(fd, to); err == unix.EINTR {
			continue
		}
		if err != nil && err != unix.EISCONN {
			_ = unix.Close(fd)
			return 0, fmt.Errorf("connecting: %w", err)
		}
		break
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		_ = unix.Close(fd)
		return 0, fmt.Errorf("setting TCP_NODELAY: %w", err)
	}
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		_ = unix.Close(fd)
		return 0, fmt.Errorf("setting SO_LINGER: %w", err)
	}
	return fd, nil
}

// Accept takes the next connection; it retries what a signal interrupts.
func Accept(l int) (int, error) {
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

// Monotonic is the kernel's clock, the same for every process.
func Monotonic() time.Duration {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return time.Duration(t.Nano())
}
