package sock

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// timerfd ends epoll_wait(2), which counts in milliseconds, at the nanosecond,
// on kernels before 5.11 that have no epoll_pwait2(2).
type timerfd struct{ fd int }

func (s *Set) useTimerfd() error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("creating a timerfd: %w", err)
	}
	s.clock = &timerfd{fd}
	// Setting a timer again makes its old expiry unread, so nothing is ever
	// read from it; it is told like a Wake.
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: wakeConn}
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("watching a timerfd: %w", err)
	}
	return nil
}

func (t *timerfd) wait(epoll int, events []unix.EpollEvent, timeout time.Duration) (int, unix.Errno) {
	millis := -1
	if timeout == 0 {
		millis = 0
	} else if timeout > 0 {
		spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(timeout))}
		if err := unix.TimerfdSettime(t.fd, 0, &spec, nil); err != nil {
			return 0, err.(unix.Errno)
		}
	}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), uintptr(millis), 0, 0)
	return int(n), errno
}
