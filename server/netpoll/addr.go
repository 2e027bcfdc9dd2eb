package netpoll

import (
	"net"

	"golang.org/x/sys/unix"
)

// A remote is a conn as its own peer's address: it asks the kernel only when it
// is read, so that a handshake whose handler does not care costs no call.
type remote conn

// Network implements [net.Addr].
func (r *remote) Network() string { return (*conn)(r).RemoteAddr().Network() }

// String implements [net.Addr].
func (r *remote) String() string { return (*conn)(r).RemoteAddr().String() }

// address turns a socket address into one of package net.
func address(sa unix.Sockaddr) net.Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
	case *unix.SockaddrInet6:
		a := &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
		if sa.ZoneId != 0 {
			if i, err := net.InterfaceByIndex(int(sa.ZoneId)); err == nil {
				a.Zone = i.Name
			}
		}
		return a
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Name: sa.Name, Net: "unix"}
	}
	return &net.TCPAddr{}
}
