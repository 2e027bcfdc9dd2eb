package netpoll

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
	"unsafe"

	"github.com/mailru/easygo/netpoll"
	"golang.org/x/sys/unix"

	"signalbench/server/engine"
)

// What every idle connection pays for.
func TestSizes(t *testing.T) {
	if n := unsafe.Sizeof(conn{}); n != 64 {
		t.Errorf("a conn is %d B, want 64, a size class of the allocator", n)
	}
	if n := unsafe.Sizeof(chunk{}) + 8; n > 12_288 {
		t.Errorf("a chunk with the allocator's header is %d B, want at most 12,288, a size class", n)
	}
}

// A timeout is never early, and late by at most an eighth, whenever in a tick
// the silence begins, as long as the sweeper gets the processor.
func TestClock(t *testing.T) {
	for _, d := range []time.Duration{
		100 * time.Millisecond, 101 * time.Millisecond, 399 * time.Millisecond,
		time.Second, 10 * time.Second, 10 * time.Minute, 24 * time.Hour,
	} {
		cfg := engine.DefaultConfig()
		cfg.HandshakeTimeout, cfg.WriteTimeout, cfg.ReadTimeout = d, d, d
		var k clock
		k.init(&cfg)
		for _, since := range []time.Duration{0, 1, k.tick / 2, k.tick - 1} { // after sweep 0
			fires := time.Duration(k.read) * k.tick // the first sweep at which it is over
			if waited := fires - since; waited < d || waited > d+d/8 {
				t.Errorf("timeout %v fires after %v (tick %v, silent from %v into it)", d, waited, k.tick, since)
			}
		}
	}
	cfg := engine.DefaultConfig()
	cfg.HandshakeTimeout, cfg.WriteTimeout, cfg.ReadTimeout = time.Millisecond, time.Second, 0
	var k clock
	k.init(&cfg)
	if k.read != 0 || k.tick != shortestTick {
		t.Errorf("no read timeout and a tiny handshake timeout make read %d and tick %v", k.read, k.tick)
	}
}

func TestTable(t *testing.T) {
	tab := table{census: newCensus()}
	now := uint32(1<<32 - 5) // the counter goes round
	at := func(fd int32) *conn { return &conn{fd: fd} }
	a, b, far := at(3), at(chunkLen), at(5*chunkLen+7)
	for i, c := range []*conn{a, b, far} {
		if !tab.add(c, now+uint32(10*i), 0) {
			t.Fatal("refused without a limit")
		}
	}
	due := func(now uint32) (fds []int32) {
		for n, more, list := 0, true, []*conn(nil); more; n++ {
			list, more = tab.due(n, now, list[:0])
			for _, c := range list {
				fds = append(fds, c.fd)
			}
		}
		return fds
	}
	expect := func(what string, got []int32, want ...int32) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: due %v, want %v", what, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%s: due %v, want %v", what, got, want)
			}
		}
	}
	expect("before", due(now-1))
	expect("at its tick", due(now), 3)
	expect("after the counter went round", due(now+10), 3, chunkLen)
	tab.hurry(far, now+1)
	expect("hurried", due(now+1), 3, far.fd)
	tab.hurry(far, now+100)
	expect("hurry never postpones", due(now+1), 3, far.fd)
	tab.postpone(a, now+50)
	expect("postponed", due(now+1), far.fd)

	tab.remove(a)
	again := at(3)
	tab.add(again, now+1, 0)
	tab.postpone(a, now+500) // a's descriptor is another's now
	tab.remove(a)
	expect("a reused descriptor", due(now+1), 3, far.fd)
	tab.gone(a)

	n := 0
	tab.each(func(*conn) { n++ })
	if n != 3 || tab.size != 3 {
		t.Errorf("each saw %d, size is %d, want 3", n, tab.size)
	}
	empty := tab.drained()
	for _, c := range []*conn{again, b, far} {
		select {
		case <-empty:
			t.Fatal("empty too early")
		default:
		}
		tab.remove(c)
		tab.gone(c)
	}
	<-empty
}

func TestTableLimit(t *testing.T) {
	tab := table{census: newCensus()}
	const limit = 3
	for i := range int32(limit + surplusLimit) {
		c := &conn{fd: i}
		if !tab.add(c, 0, limit) {
			t.Fatalf("connection %d refused", i)
		}
		if want := i >= limit; c.is(surplus) != want {
			t.Errorf("connection %d: surplus is %v", i, c.is(surplus))
		}
	}
	if tab.add(&conn{fd: 1000}, 0, limit) {
		t.Error("more than the surplus let in")
	}
}

// closedHandler tells causes.
type closedHandler struct {
	engine.Handler
	opened chan struct{}
	closed chan error
}

func (h closedHandler) Accept(*engine.Request) error               { return nil }
func (h closedHandler) Open(engine.Conn, *engine.Request)          { h.opened <- struct{}{} }
func (h closedHandler) Closed(_ engine.Conn, cause error)          { h.closed <- cause }
func (h closedHandler) Message(engine.Conn, engine.Opcode, []byte) {}

// When epoll itself fails, Serve says so and leaves nothing behind.
func TestBrokenPoller(t *testing.T) {
	cfg := engine.DefaultConfig()
	cfg.Pollers = 2
	h := closedHandler{opened: make(chan struct{}, 3), closed: make(chan error, 3)}
	s := newServer(&cfg, h)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- s.serve(context.Background(), []net.Listener{l}) }()
	for range 3 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
		<-h.opened
	}
	broken := errors.New("no more events")
	s.broken <- broken
	if err := <-served; !errors.Is(err, broken) {
		t.Errorf("Serve returned %v, want %v", err, broken)
	}
	for range 3 {
		if cause := <-h.closed; !errors.Is(cause, engine.ErrClosed) {
			t.Errorf("a connection ended with %v, want %v", cause, engine.ErrClosed)
		}
	}
	if n := cfg.Stats.Open.Load(); n != 0 {
		t.Errorf("%d connections still count as open", n)
	}
}

// A connection that cannot be watched is closed and counted, and not left in the
// table or in easygo's map, where its descriptor number will come again.
func TestAdmitFails(t *testing.T) {
	cfg := engine.DefaultConfig()
	cfg.MaxConns = 1
	s := newServer(&cfg, nil)
	p, err := newPoller(s)
	if err != nil {
		t.Fatal(err)
	}
	defer p.epoll.Close()
	s.pollers = []*poller{p}
	file, err := os.Open("/dev/null") // epoll watches no such thing
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for i := range 3 {
		fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		p.admit(fd)
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
			t.Errorf("descriptor %d was left open (%v)", fd, err)
		}
		if n := cfg.Stats.Failed.Load(); n != uint64(i+1) || s.census.size != 0 {
			t.Errorf("%d counted as failed, %d in the table", n, s.census.size)
		}
		if err := p.epoll.Del(fd); !errors.Is(err, netpoll.ErrNotRegistered) {
			t.Errorf("easygo still knows the descriptor: %v", err)
		}
	}
}
