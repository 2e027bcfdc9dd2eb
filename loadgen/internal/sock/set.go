package sock

import (
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

const (
	// scratchSize is how much is read at once. Where lanes are so many that each
	// has a table of its own, smallScratch is: 256 KiB for 20,000 connections
	// would be 13 B for each.
	scratchSize  = 256 << 10
	smallScratch = 64 << 10
	batch        = 64
	// patience is how many full scratch buffers one connection may bring before
	// the others have their turn.
	patience = 4
)

// states of a slot
const (
	vacant uint8 = iota
	connecting
	open
)

// slot is all that an idle connection costs here.
type slot struct {
	fd      int32
	backlog int32 // number in Set.waiting; 0: none
	gen     uint16
	state   uint8
	writes  bool // registered for EPOLLOUT
}

// A Set is the sockets of one lane; it implements [wire.Transport].
type Set struct {
	epoll   int
	apart   bool // has a descriptor table of its own
	wake    int  // eventfd
	slots   []slot
	waiting backlogs
	events  [batch]unix.EpollEvent
	scratch []byte
	to      address
	from    address
	clock   *timerfd // where the kernel has no epoll_pwait2(2)
}

var _ wire.Transport = (*Set)(nil)

const wakeConn = math.MaxInt32 // in place of a connection's number

// New returns a set for connections 0 to conns-1, with a descriptor table of its
// own if apart. Its thread calls Begin before anything else.
func New(conns int, apart bool) (*Set, error) {
	s := &Set{epoll: -1, slots: make([]slot, conns), apart: apart}
	size := scratchSize
	if apart {
		size = smallScratch
	}
	s.scratch = make([]byte, size)
	var err error
	// Wake is called by threads that do not share the set's table. So this
	// descriptor is made in theirs, and closed there by whoever collects s.
	if s.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("creating an eventfd: %w", err)
	}
	runtime.AddCleanup(s, closeFD, int32(s.wake))
	if apart {
		startPoller()
	}
	return s, nil
}

// Begin implements [wire.Transport].
func (s *Set) Begin() error {
	if s.apart {
		if err := leaveTable(); err != nil {
			return err
		}
	}
	var err error
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("creating an epoll instance: %w", err)
	}
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: wakeConn}
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, s.wake, &ev); err != nil {
		return fmt.Errorf("watching an eventfd: %w", err)
	}
	if _, errno := epollWait(s.epoll, s.events[:], 0); errno == unix.ENOSYS {
		return s.useTimerfd()
	}
	return nil
}

// Dial implements [wire.Transport]. A source address is bound without a port,
// which connect(2) then chooses for the whole tuple (ip(7),
// IP_BIND_ADDRESS_NO_PORT).
func (s *Set) Dial(c wire.Conn, r wire.Route, first func() []byte) (established bool, why results.Cause) {
	s.to.set(r.To)
	fd, errno := socket(s.to.family())
	if errno != 0 {
		return false, cause(errno)
	}
	setInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if first != nil {
		// What is sent first carries the last ACK of the handshake, which is a
		// segment less (tcp(7), TCP_QUICKACK; tcp_rcv_synsent_state_process in
		// net/ipv4/tcp_input.c).
		setInt(fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0)
	}
	if r.From.IsValid() {
		setInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		s.from.set(netip.AddrPortFrom(r.From, 0))
		if errno := s.from.call(unix.SYS_BIND, fd); errno != 0 {
			closeFD(fd)
			return false, cause(errno)
		}
	}
	// A signal does not stop a connect(2) that has begun, so EINTR is as good
	// as EINPROGRESS.
	if errno := s.to.call(unix.SYS_CONNECT, fd); errno != 0 && errno != unix.EINPROGRESS && errno != unix.EINTR {
		closeFD(fd)
		return false, cause(errno)
	}
	sl := &s.slots[c]
	sl.fd, sl.state, sl.writes = fd, open, false
	sl.gen++
	// Sending shows whether the connection is established: EAGAIN means not yet.
	var hello []byte
	if first != nil {
		hello = first()
	}
	n, errno := send(fd, hello)
	switch {
	case errno == 0:
		if n < len(hello) {
			sl.backlog = s.waiting.take()
			b := &s.waiting.all[sl.backlog]
			b.buf = append(b.buf, hello[n:]...)
			sl.writes = true
		}
		established = true
	case errno == unix.EAGAIN || errno == unix.EINTR:
		sl.state, sl.writes = connecting, true
	default:
		s.forget(c)
		return false, cause(errno)
	}
	if errno := s.register(unix.EPOLL_CTL_ADD, c); errno != 0 {
		s.forget(c)
		return false, cause(errno)
	}
	return established, ""
}

// register adds or changes what epoll tells about c.
func (s *Set) register(op int, c wire.Conn) unix.Errno {
	sl := &s.slots[c]
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(c), Pad: int32(sl.gen)}
	if sl.writes {
		ev.Events |= unix.EPOLLOUT
	}
	return epollControl(s.epoll, op, sl.fd, &ev)
}

// Send implements [wire.Transport].
func (s *Set) Send(c wire.Conn, p []byte) results.Cause {
	sl := &s.slots[c]
	if sl.state != open {
		return results.CauseNoConn
	}
	if sl.backlog != 0 {
		b := &s.waiting.all[sl.backlog]
		if len(b.waiting()) >= BacklogLimit {
			return results.CauseBacklog
		}
		b.buf = append(b.buf, p...)
		return ""
	}
	n, errno := send(sl.fd, p)
	for errno == unix.EINTR {
		n, errno = send(sl.fd, p)
	}
	if errno != 0 {
		if errno != unix.EAGAIN {
			s.forget(c)
			return cause(errno)
		}
		n = 0
	}
	if n == len(p) {
		return ""
	}
	sl.backlog = s.waiting.take()
	b := &s.waiting.all[sl.backlog]
	b.buf = append(b.buf, p[n:]...)
	if !sl.writes {
		// Changing the registration also tells of room that has come meanwhile.
		sl.writes = true
		if errno := s.register(unix.EPOLL_CTL_MOD, c); errno != 0 {
			s.forget(c)
			return cause(errno)
		}
	}
	return ""
}

// Full implements [wire.Transport].
func (s *Set) Full(c wire.Conn) bool {
	i := s.slots[c].backlog
	return i != 0 && len(s.waiting.all[i].waiting()) >= BacklogLimit
}

// flush sends what waits for c.
func (s *Set) flush(c wire.Conn) unix.Errno {
	sl := &s.slots[c]
	b := &s.waiting.all[sl.backlog]
	for len(b.waiting()) > 0 {
		n, errno := send(sl.fd, b.waiting())
		switch errno {
		case 0:
			b.done += n
		case unix.EINTR:
		case unix.EAGAIN:
			if b.done >= BacklogLimit {
				b.buf = b.buf[:copy(b.buf, b.waiting())]
				b.done = 0
			}
			return 0
		default:
			return errno
		}
	}
	last := b.last
	s.waiting.give(sl.backlog)
	if sl.backlog = 0; last {
		return finish(sl.fd)
	}
	return 0
}

// Finish implements [wire.Transport].
func (s *Set) Finish(c wire.Conn) results.Cause {
	sl := &s.slots[c]
	if sl.state != open {
		return results.CauseNoConn
	}
	if sl.backlog != 0 {
		s.waiting.all[sl.backlog].last = true
		return ""
	}
	if errno := finish(sl.fd); errno != 0 {
		s.forget(c)
		return cause(errno)
	}
	return ""
}

// Close implements [wire.Transport].
func (s *Set) Close(c wire.Conn, abort bool) {
	if s.slots[c].state == vacant {
		return
	}
	if abort {
		resetOnClose(s.slots[c].fd)
	}
	s.forget(c)
}

// forget closes the socket, which also ends its registration.
func (s *Set) forget(c wire.Conn) {
	sl := &s.slots[c]
	closeFD(sl.fd)
	s.waiting.give(sl.backlog)
	sl.backlog, sl.state, sl.fd = 0, vacant, -1
	sl.gen++
}

// Wait implements [wire.Transport].
func (s *Set) Wait(timeout time.Duration, h wire.Events) error {
	n, errno := s.poll(0)
	if n == 0 && errno == 0 && timeout != 0 {
		n, errno = s.poll(timeout)
	}
	if errno != 0 {
		if errno == unix.EINTR {
			return nil
		}
		return fmt.Errorf("waiting for sockets: %w", errno)
	}
	for i := range s.events[:n] {
		ev := s.events[i]
		c := wire.Conn(ev.Fd)
		if ev.Fd == wakeConn {
			continue // edge-triggered: nothing to read
		}
		if sl := &s.slots[c]; sl.state == vacant || sl.gen != uint16(ev.Pad) {
			continue // ended by an event before this one in the same batch
		}
		s.tell(c, ev.Events, h)
		h.Between()
	}
	return nil
}

func (s *Set) poll(timeout time.Duration) (int, unix.Errno) {
	if s.clock != nil {
		return s.clock.wait(s.epoll, s.events[:], timeout)
	}
	return epollWait(s.epoll, s.events[:], timeout)
}

func (s *Set) tell(c wire.Conn, ready uint32, h wire.Events) {
	const ended = unix.EPOLLERR | unix.EPOLLHUP
	sl := &s.slots[c]
	gen := sl.gen
	if sl.state == connecting {
		if ready&ended != 0 {
			why := cause(pendingError(sl.fd))
			if why == "" {
				why = results.CauseReset
			}
			s.forget(c)
			h.Ended(c, why)
			return
		}
		if ready&unix.EPOLLOUT == 0 {
			return
		}
		sl.state = open
		if h.Connected(c); sl.gen != gen {
			return
		}
	}
	if ready&unix.EPOLLOUT != 0 && sl.backlog != 0 {
		if errno := s.flush(c); errno != 0 {
			s.forget(c)
			h.Ended(c, cause(errno))
			return
		}
	}
	if ready&(unix.EPOLLIN|unix.EPOLLRDHUP|ended) != 0 {
		s.receive(c, ready&(unix.EPOLLRDHUP|ended) != 0, h)
	}
}

// receive reads until the socket is drained. A short read shows that, unless
// the end of the stream is behind it: last.
func (s *Set) receive(c wire.Conn, last bool, h wire.Events) {
	sl := &s.slots[c]
	gen := sl.gen
	for turn := 0; ; turn++ {
		if turn == patience && !last {
			s.register(unix.EPOLL_CTL_MOD, c) // tells again of what is left
			return
		}
		n, errno := recv(sl.fd, s.scratch)
		switch {
		case errno == unix.EINTR:
			continue
		case errno == unix.EAGAIN:
			return
		case errno != 0:
			s.forget(c)
			h.Ended(c, cause(errno))
			return
		case n == 0:
			s.forget(c)
			h.Ended(c, results.CauseClosed)
			return
		}
		if h.Data(c, s.scratch[:n]); sl.gen != gen || n < len(s.scratch) && !last {
			return
		}
	}
}

// Wake implements [wire.Transport].
func (s *Set) Wake() {
	one := uint64(1)
	unix.RawSyscall(unix.SYS_WRITE, uintptr(s.wake), uintptr(unsafe.Pointer(&one)), 8)
}

// Secure implements [wire.Transport].
func (s *Set) Secure() bool { return false }

// Release implements [wire.Transport].
func (s *Set) Release() {
	for c := range s.slots {
		s.Close(wire.Conn(c), true)
	}
	if s.epoll >= 0 {
		closeFD(int32(s.epoll))
	}
	if s.clock != nil {
		closeFD(int32(s.clock.fd))
	}
}
