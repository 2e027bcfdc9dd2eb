package ladder

import (
	"fmt"
	"net"
	"sync"
)

// A socket is a TCP connection whose descriptor an epoll of ours may watch beside
// the runtime's. While it does, Close only shuts the connection down, in both
// directions: epoll then reports that to who serves it, and the descriptor's number
// is not given to another connection beneath him.
type socket struct {
	*net.TCPConn

	mu     sync.Mutex
	owner  *conn // that serves it while it is watched, else nil
	closed bool
}

// sockets is a listener of them.
type sockets struct{ net.Listener }

// Accept implements [net.Listener].
func (l sockets) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		_ = nc.Close()
		return nil, fmt.Errorf("%T is no TCP connection, which is what can be watched", nc)
	}
	return &socket{TCPConn: tcp}, nil
}

// watch returns the descriptor, which is valid until unwatch.
func (s *socket) watch(owner *conn) (fd int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return -1, net.ErrClosed
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return -1, err
	}
	if err := raw.Control(func(n uintptr) { fd = int(n) }); err != nil {
		return -1, err
	}
	s.owner = owner
	return fd, nil
}

// unwatch ends a watch, and closes what was to be closed meanwhile.
func (s *socket) unwatch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owner = nil
	if s.closed {
		_ = s.TCPConn.Close()
	}
}

// err returns net.ErrClosed once Close was called. What came before that is still
// there to be read.
func (s *socket) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	return nil
}

// Close implements [net.Conn].
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.owner == nil {
		return s.TCPConn.Close()
	}
	_ = s.CloseRead() // fails if the peer was quicker, which epoll reports as well
	return s.CloseWrite()
}
