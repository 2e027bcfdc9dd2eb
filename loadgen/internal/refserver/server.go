package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// holdFor is how long a message waits to be overtaken before it is sent in its
// place after all, and not counted as spoiled.
const holdFor = 500 * time.Millisecond

// A server is one thread; nothing in it is for concurrent use.
type server struct {
	flags  *flags
	addr   string
	l      int
	epoll  int
	conns  []conn // by descriptor, made at the start so that the ledger does not see it grow
	arena  []byte // flags.PerConn bytes for each connection in turn
	used   int    // of arena
	events [256]unix.EpollEvent
	buf    [64 << 10]byte
	// control receives what the kernel tells beside the bytes.
	control [64]byte

	spoiler  spoiler
	upgraded uint64
	// handshakes counts whole requests.
	handshakes uint64
	queue      []delayed // in the order in which they are due
	held       []int32   // descriptors of connections that hold a message, oldest first
	delays     []time.Duration

	begun   time.Time
	stalls  int
	stalled time.Duration
}

type conn struct {
	open, upgraded bool
	// born tells this connection from earlier ones on the same descriptor.
	born uint32
	in   []byte // an unfinished request or frame
	held []byte
	// heldAt is when held was taken.
	heldAt time.Time
}

// A delayed echo waits for its time.
type delayed struct {
	fd   int32
	born uint32
	read time.Time
	out  []byte
	then verdict
}

func newServer(f *flags) (*server, error) {
	at, err := netip.ParseAddrPort(f.Listen)
	if err != nil || !at.Addr().Is4() {
		return nil, fmt.Errorf("--listen %q is no IPv4 address with a port", f.Listen)
	}
	s := &server{flags: f, l: -1, epoll: -1, spoiler: spoiler{fault: f.Spoil, every: f.Every}}
	s.conns = make([]conn, f.MaxConns)
	for i := range s.conns {
		s.conns[i].born = 1 // touched
	}
	if f.PerConn > 0 {
		if s.arena, err = unix.Mmap(-1, 0, f.PerConn*f.MaxConns, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS); err != nil {
			return nil, fmt.Errorf("mapping %d B for each connection: %w", f.PerConn, err)
		}
		// Whole huge pages would come with the first byte and hide the slope.
		if err := unix.Madvise(s.arena, unix.MADV_NOHUGEPAGE); err != nil {
			return nil, fmt.Errorf("refusing huge pages: %w", err)
		}
	}
	if err := s.listen(at); err != nil {
		s.close()
		return nil, err
	}
	// A table of descriptors that grows makes accept4(2) wait (Linux, fs/file.c,
	// expand_fdtable). Where MaxConns is above the limit it may grow.
	if fd, err := unix.FcntlInt(uintptr(s.l), unix.F_DUPFD_CLOEXEC, f.MaxConns); err == nil {
		_ = unix.Close(fd)
	}
	return s, nil
}

func (s *server) listen(at netip.AddrPort) (err error) {
	if s.l, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return fmt.Errorf("opening a listener: %w", err)
	}
	if err = unix.SetsockoptInt(s.l, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return fmt.Errorf("setting SO_REUSEADDR: %w", err)
	}
	if err = unix.Bind(s.l, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}); err != nil {
		return fmt.Errorf("binding to %s: %w", at, err)
	}
	if err = unix.Listen(s.l, 4096); err != nil {
		return fmt.Errorf("listening on %s: %w", at, err)
	}
	name, err := unix.Getsockname(s.l)
	if err != nil {
		return fmt.Errorf("asking for the port: %w", err)
	}
	s.addr = netip.AddrPortFrom(at.Addr(), uint16(name.(*unix.SockaddrInet4).Port)).String()
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("creating epoll: %w", err)
	}
	return s.watch(s.l)
}

func (s *server) watch(fd int) error {
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
		return fmt.Errorf("adding to epoll: %w", err)
	}
	return nil
}

func (s *server) close() {
	for fd := range s.conns {
		if s.conns[fd].open {
			unix.Close(fd)
		}
	}
	for _, fd := range []int{s.l, s.epoll} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	if s.arena != nil {
		unix.Munmap(s.arena)
	}
}

// serve runs until done is closed. While an echo is delayed it spins: a
// sleeping thread would wake up late.
func (s *server) serve(done <-chan struct{}) error {
	s.begun = time.Now()
	for {
		select {
		case <-done:
			return nil
		default:
		}
		s.stall(done)
		if err := s.due(); err != nil {
			return err
		}
		s.release()
		patience := 10 // milliseconds
		if len(s.queue) > 0 || s.flags.Delay > 0 && s.upgraded > 0 || s.flags.StallFor > 0 {
			patience = 0
		}
		n, err := unix.EpollWait(s.epoll, s.events[:], patience)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("waiting for events: %w", err)
		}
		for _, e := range s.events[:max(n, 0)] {
			if int(e.Fd) == s.l {
				err = s.acceptAll()
			} else {
				err = s.readable(e.Fd)
			}
			if err != nil {
				return err
			}
		}
	}
}

// stall sleeps through the rest of a stall that has begun: stall k begins
// flags.StallEvery times k after the start, k from 1.
func (s *server) stall(done <-chan struct{}) {
	if s.flags.StallFor == 0 {
		return
	}
	since := time.Since(s.begun)
	k := int(since / s.flags.StallEvery)
	if k <= s.stalls {
		return
	}
	s.stalls = k
	left := time.Duration(k)*s.flags.StallEvery + s.flags.StallFor - since
	if left <= 0 {
		return
	}
	select {
	case <-done:
	case <-time.After(left):
	}
	s.stalled += time.Since(s.begun) - since
}

func (s *server) acceptAll() error {
	for {
		fd, _, err := unix.Accept4(s.l, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch err {
		case nil:
		case unix.EAGAIN:
			return nil
		case unix.EINTR, unix.ECONNABORTED:
			continue
		default:
			return fmt.Errorf("accepting: %w", err)
		}
		if fd >= len(s.conns) {
			return fmt.Errorf("descriptor %d is over --max-conns %d", fd, len(s.conns))
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return fmt.Errorf("setting TCP_NODELAY: %w", err)
		}
		if s.flags.Delay > 0 {
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
				return fmt.Errorf("setting SO_TIMESTAMPNS: %w", err)
			}
		}
		s.conns[fd] = conn{open: true, born: s.conns[fd].born + 1}
		if err := s.watch(fd); err != nil {
			return err
		}
		if n := s.flags.PerConn; n > 0 {
			if s.used+n > len(s.arena) {
				return fmt.Errorf("more than --max-conns %d connections over the run", len(s.conns))
			}
			for i := range s.arena[s.used : s.used+n] {
				s.arena[s.used+i] = 1
			}
			s.used += n
			if s.used/n%100 == 0 {
				runtime.GC() // garbage of handshakes must not pass for memory of connections
			}
		}
	}
}

func (s *server) drop(fd int32) {
	unix.Close(int(fd))
	c := &s.conns[fd]
	*c = conn{born: c.born}
}

func (s *server) readable(fd int32) error {
	c := &s.conns[fd]
	n, now, err := s.read(fd)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil
	case n <= 0:
		s.drop(fd)
		return nil
	}
	p := s.buf[:n]
	if len(c.in) > 0 {
		p = append(c.in, p...)
		c.in = nil
	}
	if !c.upgraded {
		if p, err = s.handshake(fd, p); err != nil {
			return err
		}
	}
	for c.open && c.upgraded && len(p) > 0 {
		h, payload, rest, err := next(p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		p = rest
		if err := s.message(fd, h, payload, now); err != nil {
			return err
		}
	}
	if c.open && len(p) > 0 {
		c.in = bytes.Clone(p)
	}
	return nil
}

// read takes what is there and tells when the last of it arrived. While echoes
// are delayed that is the kernel's own time (SO_TIMESTAMPNS, socket(7)): a delay
// that began when this thread got around to reading would be longer than it says.
func (s *server) read(fd int32) (n int, at time.Time, err error) {
	if s.flags.Delay == 0 {
		n, err = unix.Read(int(fd), s.buf[:])
		return n, time.Now(), err
	}
	n, size, _, _, err := unix.Recvmsg(int(fd), s.buf[:], s.control[:], 0)
	if at = time.Now(); err != nil || size == 0 {
		return n, at, err
	}
	told, err := unix.ParseSocketControlMessage(s.control[:size])
	if err != nil {
		return n, at, fmt.Errorf("reading the time of arrival: %w", err)
	}
	for _, m := range told {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			arrived := time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
			at = at.Add(-max(0, at.Round(0).Sub(arrived))) // keeps the monotonic clock
		}
	}
	return n, at, nil
}

// handshake answers a request once it is whole and returns what follows it.
func (s *server) handshake(fd int32, p []byte) (rest []byte, err error) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		return p, nil
	}
	k, err := key(p[:end])
	if err != nil {
		return nil, err
	}
	a := s.flags.Answer
	if s.handshakes++; s.handshakes <= s.flags.RightFirst {
		a = right
	}
	if out := a.bytes(k); out != nil {
		if err := s.write(fd, out); err != nil {
			return nil, err
		}
	}
	switch c := &s.conns[fd]; {
	case !c.open:
	case a == right:
		c.upgraded = true
		s.upgraded++
	case a == closes || a == status200:
		s.drop(fd)
	}
	return p[end+4:], nil
}

func (s *server) message(fd int32, h ws.Header, payload []byte, read time.Time) error {
	c := &s.conns[fd]
	switch h.OpCode {
	case ws.OpText, ws.OpBinary:
	case ws.OpPing:
		return s.write(fd, appendFrame(nil, ws.OpPong, payload))
	case ws.OpClose:
		err := s.write(fd, appendFrame(nil, ws.OpClose, payload))
		if c.open {
			s.drop(fd)
		}
		return err
	default:
		return nil
	}
	waited := c.held != nil
	out, then := s.spoiler.echo(nil, &c.held, h.OpCode, payload)
	if c.held != nil {
		c.heldAt = read
		if !waited {
			s.held = append(s.held, fd)
		}
	}
	s.queue = append(s.queue, delayed{fd, c.born, read, out, then})
	if s.flags.Delay == 0 {
		return s.due()
	}
	return nil
}

// due sends the echoes whose time has come.
func (s *server) due() error {
	i := 0
	for ; i < len(s.queue); i++ {
		d := &s.queue[i]
		if s.flags.Delay > 0 && time.Since(d.read) < s.flags.Delay {
			break
		}
		c := &s.conns[d.fd]
		if !c.open || c.born != d.born {
			continue
		}
		if len(d.out) > 0 {
			if err := s.write(d.fd, d.out); err != nil {
				return err
			}
			s.delays = append(s.delays, time.Since(d.read))
		}
		if !c.open || d.then == goOn {
			continue
		}
		if d.then == abort {
			if err := unix.SetsockoptLinger(int(d.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
				return fmt.Errorf("setting SO_LINGER: %w", err)
			}
		}
		s.drop(d.fd)
	}
	s.queue = slices.Delete(s.queue, 0, i)
	return nil
}

// release sends messages that nothing has overtaken for a long time.
func (s *server) release() {
	for len(s.held) > 0 {
		c := &s.conns[s.held[0]]
		if c.held != nil && time.Since(c.heldAt) < holdFor {
			return
		}
		if c.open && c.held != nil {
			s.queue = append(s.queue, delayed{s.held[0], c.born, time.Now(), c.held, goOn})
			s.spoiler.echoes++
			c.held = nil
		}
		s.held = s.held[1:]
	}
}

// write sends out whole. A peer that has gone is dropped; one that does not
// read is an error, as this server has no outbox.
func (s *server) write(fd int32, out []byte) error {
	n, err := unix.SendmsgN(int(fd), out, nil, nil, unix.MSG_NOSIGNAL)
	switch {
	case err == unix.EPIPE || err == unix.ECONNRESET:
		s.drop(fd)
	case err != nil:
		return fmt.Errorf("writing: %w", err)
	case n < len(out):
		return fmt.Errorf("the peer took %d of %d B: it does not read", n, len(out))
	}
	return nil
}

func (s *server) record() record {
	r := record{
		Upgraded: s.upgraded,
		Messages: s.spoiler.messages,
		Spoiled:  s.spoiler.spoiled,
		Echoes:   s.spoiler.echoes,
		Stalls:   s.stalls,
		Stalled:  s.stalled,
	}
	if n := len(s.delays); n > 0 {
		slices.Sort(s.delays)
		r.DelayP50, r.DelayP99, r.DelayMax = s.delays[n/2], s.delays[n*99/100], s.delays[n-1]
	}
	return r
}
