package yardstick

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batch      = 512      // events taken by one epoll_wait
	readBuffer = 64 << 10 // bytes taken by one receive
	// perSource is how many connections come from one address of 127.0.0.0/8, a
	// small part of the local ports, so that one is found at once.
	perSource = 4096
)

// write is a thread that writes: a loop of write(2) for each pass.
func (p *pair) write() error {
	if err := dropSockets(p.listener); err != nil {
		return err
	}
	fds, err := Accepts(p.listener, p.conns)
	defer closeAll(fds)
	// The other end goes first: it resets.
	defer func() { <-p.gone }()
	if err != nil {
		return err
	}
	for _, fd := range fds {
		// Nagle's algorithm would hold a frame back until the one before is
		// acknowledged (RFC 9293 section 3.7.4).
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return fmt.Errorf("setting TCP_NODELAY: %w", err)
		}
	}
	p.wrote <- nil
	for range p.passes {
		for _, fd := range fds {
			n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p.frame))), uintptr(len(p.frame)))
			if errno != 0 || int(n) < len(p.frame) {
				if err := p.rest(fd, int(n), errno); err != nil {
					return err
				}
			}
		}
		p.wrote <- nil
	}
	return nil
}

// rest writes what is left of a frame of which write(2) took n bytes.
func (p *pair) rest(fd, n int, errno unix.Errno) error {
	for done := 0; ; {
		switch errno {
		case 0:
			if done += n; done == len(p.frame) {
				return nil
			}
		case unix.EINTR:
		case unix.EAGAIN:
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, glance)
		default:
			return fmt.Errorf("writing a frame: %w", errno)
		}
		if p.stop.Load() {
			return errStopped
		}
		errno = 0
		var err error
		if n, err = unix.Write(fd, p.frame[done:]); err != nil {
			errno = err.(unix.Errno) //nolint:errorlint // by the package's own contract
		}
	}
}

// glance is how many milliseconds a thread waits before it looks whether it is to
// stop.
const glance = 50

var errStopped = errors.New("stopped")

// read is a thread that reads: a bare epoll loop that counts bytes.
func (p *pair) read() error {
	if err := dropSockets(-1); err != nil {
		return err
	}
	fds, _, err := OpensFrom(p.port, p.conns, perSource)
	if err != nil {
		return err
	}
	defer closeAll(fds)
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("creating epoll: %w", err)
	}
	defer unix.Close(poll)
	for _, fd := range fds {
		e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}
		if err := unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
			return fmt.Errorf("adding to epoll: %w", err)
		}
	}
	p.came <- nil
	events := make([]unix.EpollEvent, batch)
	buf := make([]byte, readBuffer)
	pass := p.conns * len(p.frame)
	for left := pass; !p.stop.Load(); {
		n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(poll), uintptr(unsafe.Pointer(unsafe.SliceData(events))), batch, glance, 0, 0)
		if errno != 0 {
			continue // EINTR: it asks again
		}
		for i := range events[:n] {
			// A frame that fits is taken by one call.
			for full := true; full; {
				got, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(events[i].Fd), uintptr(unsafe.Pointer(unsafe.SliceData(buf))), readBuffer, unix.MSG_DONTWAIT, 0, 0)
				switch {
				case errno == 0 && got == 0:
					return errors.New("the server half has gone")
				case errno == 0:
					left -= int(got)
				case errno != unix.EAGAIN && errno != unix.EINTR:
					return fmt.Errorf("receiving: %w", errno)
				}
				full = got == readBuffer && errno == 0 || errno == unix.EINTR
			}
		}
		if left == 0 {
			left = pass
			p.came <- nil
		}
	}
	return nil
}
