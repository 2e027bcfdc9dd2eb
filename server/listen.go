package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"signalbench/server/admin"
)

// listen opens a listening socket. All engines get the same: keep-alive probes
// off, since an engine has timeouts of its own and a timer for each connection
// would be in everybody's figures; plain TCP and not MPTCP, which Go prefers and
// which costs the kernel more; Nagle's algorithm off; ACKs that wait for an answer
// to carry them; and one backlog. What else a socket of TCP is to have, each further
// function sets before it has its address.
func listen(ctx context.Context, address string, backlog int, further ...func(fd int) error) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, admin.UnixPrefix); ok {
		l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
		if err != nil {
			return nil, fmt.Errorf("listening on %s: %w", address, err)
		}
		return l, nil
	}
	lc := net.ListenConfig{
		KeepAlive: -1,
		Control: func(_, _ string, c syscall.RawConn) error {
			return control(c, func(fd int) error {
				for _, set := range further {
					if err := set(fd); err != nil {
						return err
					}
				}
				return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // accepted sockets inherit it
			})
		},
	}
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, explain(address, err)
	}
	// A second listen(2) changes the backlog of the socket and nothing else.
	sc, err := l.(syscall.Conn).SyscallConn()
	if err == nil {
		err = control(sc, func(fd int) error {
			if err := unix.Listen(fd, backlog); err != nil {
				return os.NewSyscallError("listen", err)
			}
			// Otherwise the kernel acknowledges the first 16 segments of a connection
			// at once, each with a segment of its own (tcp(7), TCP_QUICKACK). A
			// listener that listens already hands the mode on to what it accepts;
			// listen(2) would reset it (inet_csk_listen_start).
			return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0))
		})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("setting the backlog of %s: %w", address, err), l.Close())
	}
	return l, nil
}

func control(c syscall.RawConn, f func(fd int) error) error {
	var failed error
	if err := c.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// explain adds to the error of a listen what can be done about it.
func explain(address string, err error) error {
	_, port, _ := net.SplitHostPort(address)
	var advice string
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		advice = fmt.Sprintf("stop what uses the port (ss -tanp 'sport = :%s' shows it) or choose another address", port)
		if low, high, ok := ephemeralPorts(); ok {
			if n, _ := strconv.Atoi(port); low <= n && n <= high {
				advice += fmt.Sprintf("; outgoing connections of this machine take ports from %d to %d, so one outside is safer", low, high)
			}
		}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		advice = "no interface of this machine has that address (ip addr shows them)"
	case errors.Is(err, syscall.EACCES):
		advice = "ports below net.ipv4.ip_unprivileged_port_start need a privilege: choose a higher one"
	default:
		return fmt.Errorf("listening on %s: %w", address, err)
	}
	// The cause without Go's wrapping, which would say the address twice.
	var errno syscall.Errno
	errors.As(err, &errno)
	return fmt.Errorf("listening on %s: %w: %s", address, errno, advice)
}

// ephemeralPorts is the range that outgoing connections get their ports from
// (ip(7), ip_local_port_range).
func ephemeralPorts() (low, high int, ok bool) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0, 0, false
	}
	n, err := fmt.Sscan(strings.TrimSpace(string(text)), &low, &high)
	return low, high, err == nil && n == 2
}

// somaxconn is the backlog that Go's listen asks for, and the most that the
// kernel grants.
func somaxconn() int {
	text, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err != nil {
		return syscall.SOMAXCONN
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return syscall.SOMAXCONN
	}
	return n
}
