package rawtcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// batch is how many events one epoll_wait(2) brings, and acceptBatch how many
	// connections one of them takes from the accept queue.
	batch, acceptBatch = 256, 128
	// readBytes is the most that one event takes from one connection.
	readBytes = 64 << 10
)

// A poller is an epoll instance with a listener and the connections accepted from it.
// One goroutine runs it.
type poller struct {
	cfg    *Config
	mode   uint32 // of how connections are registered, beside their events
	epoll  int
	listen int
	wake   int // an eventfd that ends run

	pause  pause
	resume time.Time // end of the pause; zero: there is none

	mu    sync.Mutex
	conns []*conn // by descriptor, nil where there is none
}

// newPoller takes the listener's socket, and closes l in any case.
func newPoller(l net.Listener, cfg *Config, mode uint32) (p *poller, err error) {
	p = &poller{cfg: cfg, mode: mode, epoll: -1, listen: -1, wake: -1}
	if p.listen, err = take(l); err != nil {
		return nil, fmt.Errorf("taking the socket of listener %v: %w", l.Addr(), err)
	}
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, errors.Join(fmt.Errorf("creating an epoll instance: %w", err), p.close())
	}
	if p.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, errors.Join(fmt.Errorf("creating an eventfd: %w", err), p.close())
	}
	for _, fd := range []int{p.listen, p.wake} {
		if err := p.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN); err != nil {
			return nil, errors.Join(err, p.close())
		}
	}
	return p, nil
}

// take duplicates the socket of l and closes l: Go's own poller lets go of it.
func take(l net.Listener) (fd int, err error) {
	defer func() { err = errors.Join(err, l.Close()) }()
	tcp, ok := l.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("%T has no descriptor", l)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return -1, err
	}
	failed := raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(failed, err); err != nil {
		return -1, err
	}
	return fd, unix.SetNonblock(fd, true)
}

func (p *poller) control(op, fd int, events uint32) error {
	if err := unix.EpollCtl(p.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

// run hands each connection that has an event to handle, until ctx is done.
func (p *poller) run(ctx context.Context, handle func(*conn)) error {
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		_, _ = unix.Write(p.wake, []byte{7: 1}) // a count in the machine's order; any but 0 will do
	})
	defer func() {
		if !stop() {
			<-woken // before anybody closes the descriptor
		}
	}()
	events := make([]unix.EpollEvent, batch)
	for {
		n, err := unix.EpollWait(p.epoll, events, p.patience())
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("waiting for events: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			switch fd := int(e.Fd); fd {
			case p.wake:
				return nil
			case p.listen:
				if err := p.accept(); err != nil {
					return err
				}
			default:
				if c := p.find(fd); c != nil {
					handle(c)
				}
			}
		}
		if !p.resume.IsZero() && time.Now().After(p.resume) {
			p.resume = time.Time{}
			if err := p.control(unix.EPOLL_CTL_MOD, p.listen, unix.EPOLLIN); err != nil {
				return err
			}
		}
	}
}

// patience is how long to wait for events, in milliseconds: for ever but in a pause.
func (p *poller) patience() int {
	if p.resume.IsZero() {
		return -1
	}
	return int(max(0, time.Until(p.resume))/time.Millisecond) + 1
}

// accept takes what waits in the accept queue, a batch at a time: the event comes
// back while there is more.
func (p *poller) accept() error {
	for range acceptBatch {
		fd, _, err := unix.Accept4(p.listen, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			p.pause.over()
			p.admit(fd)
		case err == unix.EAGAIN:
			return nil
		case scarce(err):
			p.resume = time.Now().Add(p.pause.next(p.cfg, err))
			return p.control(unix.EPOLL_CTL_MOD, p.listen, 0)
		case err == unix.EBADF, err == unix.EINVAL, err == unix.ENOTSOCK:
			return fmt.Errorf("accepting: %w", err)
		default:
			// EINTR, ECONNABORTED and the errors of the new connection's network that
			// Linux hands through: the next one may be fine (accept(2)).
		}
	}
	return nil
}

func (p *poller) admit(fd int) {
	c := &conn{fd: fd, want: unix.EPOLLIN}
	p.mu.Lock()
	for fd >= len(p.conns) {
		p.conns = append(p.conns, nil)
	}
	p.conns[fd] = c
	p.mu.Unlock()
	opened(p.cfg.Stats)
	if err := p.control(unix.EPOLL_CTL_ADD, fd, c.want|p.mode); err != nil {
		p.cfg.Log.Error("cannot watch a connection", "err", err)
		p.end(c, nil)
	}
}

func (p *poller) find(fd int) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fd >= len(p.conns) {
		return nil
	}
	return p.conns[fd]
}

// end closes c, which whoever calls owns. Its number may be another's at once.
func (p *poller) end(c *conn, why error) {
	p.mu.Lock()
	p.conns[c.fd] = nil
	p.mu.Unlock()
	_ = unix.Close(c.fd)
	if why == errSlow {
		p.cfg.Stats.Evicted.Add(1)
	}
	closed(p.cfg.Stats)
}

// close closes everything; nobody may use p or its connections any more.
func (p *poller) close() error {
	for _, c := range p.conns {
		if c != nil {
			p.end(c, nil)
		}
	}
	var errs []error
	for _, fd := range []int{p.listen, p.epoll, p.wake} {
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	return errors.Join(errs...)
}
