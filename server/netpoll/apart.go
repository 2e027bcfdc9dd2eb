package netpoll

import (
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mailru/easygo/netpoll"
	"golang.org/x/sys/unix"

	"signalbench/server/engine"
)

// apartReadBytes is the readBytes of a poller of many.
const apartReadBytes = 16 << 10

// An apart is what a poller has more that works in a descriptor table of its own
// (unshare(2), CLONE_FILES). The number of one of its descriptors means something
// else on every other thread, so that all calls on them are made on its own: it
// is asked for them by mail.
type apart struct {
	tid  atomic.Int64  // its thread; set before it has connections
	bell int           // eventfd that wakes it, the same in all tables
	over chan struct{} // closed when it waits for no events any more
	end  sync.Once     // of expire
	mailbox
}

// spread is open for pollers in tables of their own. The process's own table
// keeps none of the listeners' sockets. Each poller has a listener for itself where
// they are as many, as clients divide themselves among ports; else all share all.
func (s *server) spread(listeners []net.Listener) (doors []*door, err error) {
	var fds []int
	defer func() {
		for _, fd := range fds {
			err = errors.Join(err, unix.Close(fd))
		}
	}()
	for i, l := range listeners {
		fd, err := take(l)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("taking the socket of listener %v: %w", l.Addr(), err), closeAll(listeners[i+1:]))
		}
		fds = append(fds, fd)
	}
	// The runtime opens its own descriptors with the first timer. These and the
	// bells must be in every table.
	time.AfterFunc(time.Hour, func() {}).Stop()
	s.tables = nil
	for range s.cfg.Pollers {
		bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		if err != nil {
			return nil, fmt.Errorf("creating an eventfd: %w", err)
		}
		t := &table{census: s.census}
		s.tables = append(s.tables, t)
		s.pollers = append(s.pollers, &poller{
			server: s, table: t, in: make([]byte, apartReadBytes),
			apart: &apart{bell: bell, over: make(chan struct{}), mailbox: mailbox{asked: make(chan struct{}, 1)}},
		})
	}
	for i, p := range s.pollers {
		var own []*door
		for n, fd := range fds {
			if n%len(s.pollers) == i || len(fds) != len(s.pollers) {
				own = append(own, &door{loop: p, fd: fd})
			}
		}
		doors = append(doors, own...)
		if err := p.depart(own); err != nil {
			return doors[:len(doors)-len(own)], fmt.Errorf("starting a poller in a descriptor table of its own: %w", err)
		}
	}
	return doors, nil
}

// depart starts p, in a table that keeps of all sockets those of its doors, and
// opens these.
func (p *poller) depart(doors []*door) error {
	a := p.apart
	epoll, err := netpoll.EpollCreate(&netpoll.EpollConfig{OnWaitError: func(err error) {
		a.end.Do(a.expire)
		p.broken <- err // room for two of each
	}})
	if err != nil {
		return err
	}
	p.epoll = epoll
	if err := epoll.Add(a.bell, netpoll.EPOLLIN|netpoll.EPOLLET, p.collect); err != nil {
		return err
	}
	left := false
	a.do(func() {
		if err = leaveTable(doors); err != nil {
			return
		}
		left = true
		tid := unix.Gettid()
		a.tid.Store(int64(tid))
		p.cfg.Stats.Tables.Add(tid)
		for _, d := range doors {
			d.eager = !prompt(d.fd)
			err = errors.Join(err, epoll.Add(d.fd, netpoll.EPOLLIN, d.ready))
		}
	})
	if left {
		// Its number is easygo's secret. Nobody needs this copy.
		err = errors.Join(err, unix.Close(int(reflect.ValueOf(epoll).Elem().FieldByName("fd").Int())))
	}
	return err
}

// leaveTable gives the calling goroutine's thread a descriptor table of its own,
// for good: the thread ends with the goroutine. The main thread would not, and
// is what /proc/PID/fd shows, so it is left alone. Of the copies the sockets are
// closed, which would else outlive their originals; the rest stays: Go's runtime
// uses its own descriptors from any thread, and finds them under their numbers.
func leaveTable(doors []*door) error {
	for runtime.LockOSThread(); unix.Gettid() == os.Getpid(); runtime.LockOSThread() {
		runtime.UnlockOSThread()
		time.Sleep(time.Millisecond) // goes on where there is room
	}
	if err := unix.Unshare(unix.CLONE_FILES); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	keep := make(map[string]bool)
	for _, d := range doors {
		keep[strconv.Itoa(d.fd)] = true
	}
	const dir = "/proc/thread-self/fd"
	list, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("listing descriptors: %w", err)
	}
	for _, e := range list {
		what, err := os.Readlink(dir + "/" + e.Name())
		if err != nil || keep[e.Name()] || !strings.HasPrefix(what, "socket:") {
			continue
		}
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			_ = unix.Close(fd)
		}
	}
	return nil
}

// expire lets go of what nobody will do any more, and of those who wait for it.
func (a *apart) expire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.conns, a.jobs, a.about = nil, nil, nil
	close(a.over)
}

// retire ends p with whatever connections it still has.
func (p *poller) retire() (err error) {
	a := p.apart
	if p.epoll != nil {
		a.do(func() {
			p.table.each(func(c *conn) {
				c.cut(engine.ErrClosed)
				c.tend()
			})
		})
		err = p.epoll.Close()
	}
	a.end.Do(a.expire)
	p.cfg.Stats.Tables.Remove(int(a.tid.Load()))
	return errors.Join(err, unix.Close(a.bell))
}
