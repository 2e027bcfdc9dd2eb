package netpoll

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"

	"github.com/mailru/easygo/netpoll"
	"golang.org/x/sys/unix"

	"signalbench/server/engine"
)

// acceptBatch is how many connections one event takes from an accept queue
// before the poller looks at its connections again.
const acceptBatch = 128

var overLimit = &engine.Refusal{Status: http.StatusServiceUnavailable, Reason: "too many connections"}

// A door is a listening socket, registered with one of the pollers.
type door struct {
	loop  *poller
	fd    int
	eager bool // TCP_NODELAY is to be set on each connection

	mu     sync.Mutex
	paused bool // accept(2) failed for want of something; not reported by epoll
	asked  bool // its poller was asked to end the pause
	shut   bool
}

// listen takes the sockets out of the listeners, which are closed, and
// registers them. What it returns is to be shut also when there is an error.
func (s *server) listen(listeners []net.Listener) (doors []*door, err error) {
	for i, l := range listeners {
		fd, err := take(l)
		if err != nil {
			return doors, errors.Join(fmt.Errorf("taking the socket of listener %v: %w", l.Addr(), err), closeAll(listeners[i+1:]))
		}
		d := &door{loop: s.pollers[i%len(s.pollers)], fd: fd, eager: !prompt(fd)}
		doors = append(doors, d)
		if err := d.loop.epoll.Add(fd, netpoll.EPOLLIN, d.ready); err != nil {
			return doors, errors.Join(fmt.Errorf("registering listener %v: %w", l.Addr(), err), closeAll(listeners[i+1:]))
		}
	}
	return doors, nil
}

// take duplicates the socket of l and closes l: Go's own poller lets go of it.
func take(l net.Listener) (fd int, err error) {
	defer func() { err = errors.Join(err, l.Close()) }()
	sc, ok := l.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("%T has no descriptor", l)
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return -1, err
	}
	var dupErr error
	err = rc.Control(func(old uintptr) { fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(err, dupErr); err != nil {
		return -1, err
	}
	return fd, unix.SetNonblock(fd, true)
}

// prompt switches Nagle's algorithm off and reports whether connections inherit
// that: those of TCP do (Linux), which saves a call for each, those of MPTCP, which
// is what net.Listen makes if not told otherwise, do not.
func prompt(fd int) bool {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // not every socket has it
	proto, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	return err != nil || proto != unix.IPPROTO_MPTCP
}

// shut closes the doors; when it returns nothing is accepted any more.
func shut(doors []*door) error {
	var errs []error
	for _, d := range doors {
		if a := d.loop.apart; a != nil {
			a.do(func() { errs = append(errs, d.close()) }) // else it went with the table
			continue
		}
		errs = append(errs, d.close())
	}
	return errors.Join(errs...)
}

func (d *door) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		return nil
	}
	d.shut = true
	_ = d.loop.epoll.Del(d.fd)
	return unix.Close(d.fd)
}

// ready takes what waits in the accept queue, a batch at a time: the event comes
// back while there is more.
func (d *door) ready(netpoll.EpollEvent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut || d.paused {
		return
	}
	stats := d.loop.cfg.Stats
	for range acceptBatch {
		fd, errno := accept(d.fd)
		switch errno {
		case 0:
			stats.Accepted.Add(1)
			if d.eager {
				_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
			}
			d.loop.admit(fd)
		case unix.EAGAIN:
			return
		case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
			// The queue stays full, so epoll would report it for ever: look away
			// until the sweeper says to try again (accept(2), BUGS of epoll(7)).
			stats.AcceptErrors.Add(1)
			d.loop.cfg.Log.Warn("accept failed, pausing", "err", errno)
			d.paused = d.loop.epoll.Mod(d.fd, 0) == nil
			return
		default:
			// EINTR, ECONNABORTED and the errors of the new connection's network
			// that Linux hands through: the next one may be fine (accept(2)).
		}
	}
}

// resume ends a pause, or has the poller do it.
func (d *door) resume() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a := d.loop.apart; a == nil {
		d.retry()
	} else if d.paused && !d.asked {
		d.asked = true
		a.Do(func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.asked = false
			d.retry()
		})
	}
}

// retry watches the accept queue again. mu is held.
func (d *door) retry() {
	if d.paused && !d.shut {
		d.paused = d.loop.epoll.Mod(d.fd, netpoll.EPOLLIN) != nil
	}
}

// admit makes a conn of an accepted descriptor and deals it to a poller: to p
// itself if no other has p's descriptors.
func (p *poller) admit(fd int) {
	s := p.server
	if p.apart == nil {
		p = s.next()
	}
	c := &conn{loop: p, fd: int32(fd), seen: s.clock.now()}
	if !p.table.add(c, c.seen+s.clock.handshake, s.cfg.MaxConns) {
		s.cfg.Stats.Refused.Add(1)
		_ = unix.Close(fd)
		return
	}
	if err := c.loop.epoll.Add(fd, netpoll.EPOLLIN, c.ready); err != nil {
		s.cfg.Log.Error("cannot watch a connection", "err", err)
		_ = c.loop.epoll.Del(fd) // easygo keeps the callback when epoll_ctl fails
		p.table.remove(c)
		_ = unix.Close(fd)
		s.cfg.Stats.Failed.Add(1)
		s.census.gone(c)
	}
}
