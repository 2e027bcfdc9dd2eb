package sock

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal notes what a transport tells.
type journal struct {
	connected, between int
	data               map[wire.Conn][]byte
	ended              map[wire.Conn]results.Cause
	onData             func(c wire.Conn, p []byte)
}

func newJournal() *journal {
	return &journal{data: make(map[wire.Conn][]byte), ended: make(map[wire.Conn]results.Cause)}
}

func (j *journal) Connected(wire.Conn) { j.connected++ }
func (j *journal) Secured(wire.Conn)   {}
func (j *journal) Between()            { j.between++ }
func (j *journal) Ended(c wire.Conn, why results.Cause) {
	j.ended[c] = why
}
func (j *journal) Data(c wire.Conn, p []byte) {
	j.data[c] = append(j.data[c], p...)
	if j.onData != nil {
		j.onData(c, p)
	}
}

// within waits for events until cond holds.
func within(t *testing.T, s *Set, j *journal, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come to that: %d connected, %d with data, ended %v", j.connected, len(j.data), j.ended)
		}
		if err := s.Wait(100*time.Millisecond, j); err != nil {
			t.Fatal(err)
		}
	}
}

// listen serves each connection with handle on its own goroutine, and waits for
// all of them at the end.
func listen(t *testing.T, handle func(*net.TCPConn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { handle(c.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func newSet(t *testing.T, conns int) *Set {
	t.Helper()
	s, err := New(conns, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Release)
	return s
}

func echo(c *net.TCPConn) {
	_, _ = io.Copy(c, c)
	c.Close()
}

// dial connects, whichever way the transport tells.
func dial(t *testing.T, s *Set, j *journal, c wire.Conn, r wire.Route, first string) {
	t.Helper()
	before := j.connected
	var hello func() []byte
	if first != "" {
		hello = func() []byte { return []byte(first) }
	}
	established, why := s.Dial(c, r, hello)
	if why != "" {
		t.Fatalf("dialling %v: %s", r, why)
	}
	if !established {
		within(t, s, j, func() bool { return j.connected > before })
		if first != "" {
			s.Send(c, []byte(first))
		}
	}
}

func TestThereAndBack(t *testing.T) {
	to := listen(t, echo)
	for _, from := range []string{"", "127.0.0.1", "127.9.9.9"} {
		s, j := newSet(t, 2), newJournal()
		r := wire.Route{To: to}
		if from != "" {
			r.From = netip.MustParseAddr(from)
		}
		dial(t, s, j, 1, r, "hello")
		within(t, s, j, func() bool { return string(j.data[1]) == "hello" })
		s.Send(1, []byte(", world"))
		within(t, s, j, func() bool { return string(j.data[1]) == "hello, world" })
		if j.between == 0 {
			t.Error("nothing could come in between")
		}
		s.Close(1, false)
		if why := s.Send(1, []byte("x")); why != results.CauseNoConn {
			t.Errorf("sent after close: %q", why)
		}
		s.Close(1, false)
		dial(t, s, j, 1, r, "!") // the number is used again
		within(t, s, j, func() bool { return bytes.HasSuffix(j.data[1], []byte("!")) })
		s.Close(1, true)
	}
}

// The handshake's last ACK travels with what is sent first: a SYN and that, and
// nothing else, has left once the server has it.
func TestHandshakeSavesAnAck(t *testing.T) {
	came, release := make(chan struct{}), make(chan struct{})
	to := listen(t, func(c *net.TCPConn) {
		defer c.Close()
		if _, err := io.ReadFull(c, make([]byte, 5)); err == nil {
			close(came)
		}
		<-release
	})
	defer close(release)
	s, j := newSet(t, 1), newJournal()
	dial(t, s, j, 0, wire.Route{To: to}, "hello")
	select {
	case <-came:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
	}
	info, err := unix.GetsockoptTCPInfo(int(s.slots[0].fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		t.Fatal(err)
	}
	if sent := info.Segs_out - info.Total_retrans; sent != 2 {
		t.Errorf("%d segments were sent, want 2", sent)
	}
}

// What a socket does not take waits, and arrives whole and in order. A backlog
// at its bound takes nothing.
func TestBacklog(t *testing.T) {
	release := make(chan struct{})
	to := listen(t, func(c *net.TCPConn) { <-release; echo(c) })
	s, j := newSet(t, 1), newJournal()
	dial(t, s, j, 0, wire.Route{To: to}, "")
	chunk := make([]byte, 48<<10)
	var sent []byte
	for i := 0; !s.Full(0); i++ {
		for k := range chunk {
			chunk[k] = byte(i + k/97)
		}
		if why := s.Send(0, chunk); why != "" {
			t.Fatal(why)
		}
		sent = append(sent, chunk...)
	}
	if why := s.Send(0, chunk); why != results.CauseBacklog {
		t.Errorf("a full backlog took more: %q", why)
	}
	close(release)
	within(t, s, j, func() bool { return len(j.data[0]) >= len(sent) })
	if !bytes.Equal(j.data[0], sent) {
		t.Error("what came back is not what was sent")
	}
	if s.Full(0) || s.slots[0].backlog != 0 {
		t.Error("an empty backlog is kept")
	}
	s.Close(0, true)
}

func TestEnds(t *testing.T) {
	for _, tc := range []struct {
		name   string
		handle func(*net.TCPConn)
		want   results.Cause
	}{
		{"end of stream", func(c *net.TCPConn) { c.Close() }, results.CauseClosed},
		{"data, then end", func(c *net.TCPConn) { c.Write([]byte("bye")); c.Close() }, results.CauseClosed},
		{"reset", func(c *net.TCPConn) { c.SetLinger(0); c.Close() }, results.CauseReset},
	} {
		t.Run(tc.name, func(t *testing.T) {
			to := listen(t, tc.handle)
			s, j := newSet(t, 1), newJournal()
			if _, why := s.Dial(0, wire.Route{To: to}, nil); why != "" {
				j.ended[0] = why // so soon
			}
			within(t, s, j, func() bool { return len(j.ended) > 0 })
			if j.ended[0] != tc.want {
				t.Errorf("ended with %q, want %q", j.ended[0], tc.want)
			}
			if tc.name == "data, then end" && string(j.data[0]) != "bye" {
				t.Errorf("received %q", j.data[0])
			}
		})
	}
}

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	s, j := newSet(t, 1), newJournal()
	_, why := s.Dial(0, wire.Route{To: to}, func() []byte { return []byte("GET") })
	if why == "" {
		within(t, s, j, func() bool { return len(j.ended) > 0 })
		why = j.ended[0]
	}
	if why != results.CauseRefused {
		t.Errorf("%q, want %q", why, results.CauseRefused)
	}
	if _, why := s.Dial(0, wire.Route{To: to, From: netip.MustParseAddr("192.0.2.1")}, nil); why != results.CauseNoAddress {
		t.Errorf("from an address that is not here: %q, want %q", why, results.CauseNoAddress)
	}
}

// A peer that sends more than one buffer at a time does not keep others waiting,
// and nothing of it is lost.
func TestManyBytesAtOnce(t *testing.T) {
	flood := bytes.Repeat([]byte("0123456789abcdef"), 1<<20/16*8)
	to := listen(t, func(c *net.TCPConn) { c.Write(flood); c.Close() })
	s, j := newSet(t, 1), newJournal()
	dial(t, s, j, 0, wire.Route{To: to}, "")
	within(t, s, j, func() bool { return len(j.ended) > 0 })
	if !bytes.Equal(j.data[0], flood) {
		t.Errorf("%d B of %d came", len(j.data[0]), len(flood))
	}
}

// A connection that ends in the same batch in which another one's event ends it
// is told of nothing more.
func TestEndedInTheSameBatch(t *testing.T) {
	to := listen(t, echo)
	s, j := newSet(t, 2), newJournal()
	for c := range wire.Conn(2) {
		dial(t, s, j, c, wire.Route{To: to}, "")
	}
	j.onData = func(c wire.Conn, _ []byte) { s.Close(1-c, true) }
	// Both answers are there before anyone looks.
	s.Send(0, []byte("a"))
	s.Send(1, []byte("b"))
	for c := range wire.Conn(2) {
		fds := []unix.PollFd{{Fd: s.slots[c].fd, Events: unix.POLLIN}}
		for n := 0; n == 0; {
			n, _ = unix.Poll(fds, 10_000)
		}
	}
	within(t, s, j, func() bool { return len(j.data) > 0 })
	if err := s.Wait(0, j); err != nil {
		t.Fatal(err)
	}
	if len(j.data) != 1 || len(j.ended) != 0 {
		t.Errorf("data of %d connections, ended %v", len(j.data), j.ended)
	}
}

// Wait ends at its time to the microsecond or better, and at once after a Wake,
// with and without epoll_pwait2.
func TestWaiting(t *testing.T) {
	for _, old := range []bool{false, true} {
		s, j := newSet(t, 1), newJournal()
		if old {
			if err := s.useTimerfd(); err != nil {
				t.Fatal(err)
			}
		}
		for _, d := range []time.Duration{0, 300 * time.Microsecond, 2 * time.Millisecond} {
			start := time.Now()
			for time.Since(start) < d { // the first may be ended by the timer's setting
				if err := s.Wait(d-time.Since(start), j); err != nil {
					t.Fatal(err)
				}
			}
			if late := time.Since(start) - d; late > time.Second {
				t.Errorf("timerfd %v: waiting for %v was %v late", old, d, late)
			}
		}
		woken := make(chan struct{})
		go func() { defer close(woken); s.Wake() }()
		if err := s.Wait(-1, j); err != nil {
			t.Fatal(err)
		}
		<-woken
		if j.between != 0 {
			t.Error("a wake-up was taken for a connection")
		}
	}
}

// Nothing is left after Release.
func TestRelease(t *testing.T) {
	gone := make(chan error, 3)
	to := listen(t, func(c *net.TCPConn) {
		_, err := c.Read(make([]byte, 1))
		gone <- err
		c.Close()
	})
	s, err := New(3, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
	j := newJournal()
	for c := range wire.Conn(3) {
		dial(t, s, j, c, wire.Route{To: to}, "")
	}
	s.Release()
	for range 3 {
		if err := <-gone; err == nil {
			t.Error("a connection is still there")
		}
	}
}

// An echo allocates nothing on this side.
func TestEchoAllocatesNothing(t *testing.T) {
	to := listen(t, echo)
	s, j := newSet(t, 1), newJournal()
	dial(t, s, j, 0, wire.Route{To: to}, "")
	quiet := &counter{}
	p := bytes.Repeat([]byte("x"), 128)
	round := func() {
		want := quiet.n + len(p)
		s.Send(0, p)
		for quiet.n < want {
			if err := s.Wait(time.Second, quiet); err != nil {
				t.Fatal(err)
			}
		}
	}
	round()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 1000 {
		round()
	}
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > 100 { // of everything in the process
		t.Errorf("%d allocations in 1000 round trips", n)
	}
}

type counter struct {
	journal
	n int
}

func (c *counter) Data(_ wire.Conn, p []byte) { c.n += len(p) }

// Who ends his side is still told what comes, also when what he sent has to wait, and
// the peer gets all of it before the end.
func TestFinish(t *testing.T) {
	for _, size := range []int{0, 8, 16 << 20} {
		got := make(chan int, 1)
		to := listen(t, func(c *net.TCPConn) {
			p, _ := io.ReadAll(c)
			_, _ = c.Write([]byte("bye"))
			got <- len(p)
			c.Close()
		})
		s, j := newSet(t, 1), newJournal()
		dial(t, s, j, 0, wire.Route{To: to}, "")
		if size > 0 {
			if why := s.Send(0, make([]byte, size)); why != "" {
				t.Fatal(why)
			}
		}
		if why := s.Finish(0); why != "" {
			t.Fatal(why)
		}
		within(t, s, j, func() bool { return len(j.ended) == 1 })
		if n := <-got; n != size || string(j.data[0]) != "bye" || j.ended[0] != results.CauseClosed {
			t.Errorf("%d of %d B arrived, %q came back, ended by %q", n, size, j.data[0], j.ended[0])
		}
		if why := s.Finish(0); why != results.CauseNoConn {
			t.Errorf("finished twice: %q", why)
		}
	}
}
