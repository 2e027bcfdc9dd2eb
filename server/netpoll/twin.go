package netpoll

import (
	"net"
	"sync"

	"github.com/mailru/easygo/netpoll"
	"golang.org/x/sys/unix"
)

// A twin is a connection of package net and the Desc that holds a duplicate of
// its descriptor: closing one of the two does not close the socket.
//
// It does not hand out its descriptor (syscall.Conn): Resume makes the socket
// blocking, and who takes a descriptor from package net relies on the contrary.
type twin struct {
	net.Conn
	tcp    *net.TCPConn // the same
	server *descServer

	mu     sync.Mutex
	desc   *netpoll.Desc // nil before split
	closed bool
}

// A pairing is a listener of twins.
type pairing struct {
	net.Listener
	server *descServer
}

func (p pairing) Accept() (net.Conn, error) {
	nc, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		_ = nc.Close()
		return nil, netpoll.ErrNotFiler
	}
	t := &twin{Conn: tcp, tcp: tcp, server: p.server}
	p.server.mu.Lock()
	p.server.twins[t] = struct{}{}
	p.server.mu.Unlock()
	return t, nil
}

// split makes the Desc. From then on Close only shuts down, and release closes.
func (t *twin) split() (*netpoll.Desc, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, net.ErrClosed
	}
	var err error
	t.desc, err = netpoll.HandleReadOnce(t.tcp)
	return t.desc, err
}

// Close ends the connection: reads and writes return, and an armed Desc reports
// a hang-up to whoever is to release it.
func (t *twin) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.desc != nil {
		t.shut()
		return nil
	}
	t.forget()
	return t.tcp.Close()
}

// release closes both descriptors. Nothing may watch the Desc any more.
func (t *twin) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.desc == nil {
		return
	}
	_ = t.desc.Close()
	_ = t.tcp.Close()
	t.desc = nil
	t.forget()
}

// CloseWrite ends the sending side.
func (t *twin) CloseWrite() error { return t.tcp.CloseWrite() }

// SetLinger is net.TCPConn's.
func (t *twin) SetLinger(sec int) error { return t.tcp.SetLinger(sec) }

func (t *twin) forget() {
	t.server.mu.Lock()
	delete(t.server.twins, t)
	t.server.mu.Unlock()
}

// shut ends both directions of the socket, in whatever call they are.
func (t *twin) shut() {
	raw, err := t.tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) })
}
