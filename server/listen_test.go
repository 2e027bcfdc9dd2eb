package main

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestListeningSocket(t *testing.T) {
	t.Parallel()
	const backlog = 3
	l, err := listen(t.Context(), "127.0.0.1:0", backlog)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()

	inspect(t, l.(syscall.Conn), func(fd int) {
		// Of a listening socket these fields are the accept queue's length and limit.
		if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err != nil || info.Sacked != backlog {
			t.Errorf("the accept queue takes %d, want %d (%v)", info.Sacked, backlog, err)
		}
		wantOption(t, fd, unix.SOL_SOCKET, unix.SO_PROTOCOL, unix.IPPROTO_TCP)
		wantOption(t, fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	})
	inspect(t, accepted.(syscall.Conn), func(fd int) {
		wantOption(t, fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		wantOption(t, fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0)
		wantOption(t, fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0)
	})
}

func inspect(t *testing.T, c syscall.Conn, f func(fd int)) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

func wantOption(t *testing.T, fd, level, option, want int) {
	t.Helper()
	if got, err := unix.GetsockoptInt(fd, level, option); err != nil || got != want {
		t.Errorf("option %d of level %d is %d, want %d (%v)", option, level, got, want, err)
	}
}
