package rawtcp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"signalbench/server/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var kinds = []Kind{Goroutine, Epoll, Epolls, Pool}

// patience bounds every wait.
const patience = 20 * time.Second

// A server is one that a test serves.
type server struct {
	*Config
	addr string
	log  *lines
	stop func() // waits for the end, and wants it clean
}

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// listenOn opens n sockets on one port.
func listenOn(t *testing.T, n int) []net.Listener {
	t.Helper()
	lc := net.ListenConfig{KeepAlive: -1, Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return errors.Join(err, failed)
	}}
	addr := "127.0.0.1:0"
	var list []net.Listener
	for range n {
		l, err := lc.Listen(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		addr = l.Addr().String()
		list = append(list, l)
	}
	return list
}

func serve(t *testing.T, kind Kind, outbox int) *server {
	t.Helper()
	n := 1
	if kind == Epolls {
		n = 3
	}
	list := listenOn(t, n)
	log := new(lines)
	s := &server{Config: &Config{Outbox: outbox, Workers: 3, Stats: new(engine.Stats), Log: slog.New(slog.NewTextHandler(log, nil))}, log: log, addr: list[0].Addr().String()}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, kind, list, s.Config) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("serving: %v", err)
			}
		case <-time.After(patience):
			t.Fatal("the server does not end")
		}
	})
	t.Cleanup(s.stop)
	return s
}

func (s *server) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", s.addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func each(t *testing.T, f func(t *testing.T, kind Kind)) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) { f(t, kind) })
	}
}

// What many clients send in pieces of any size comes back as it was sent, to the last
// byte before each of them ends its side, and then the end comes.
func TestEchoes(t *testing.T) {
	each(t, func(t *testing.T, kind Kind) {
		s := serve(t, kind, 256<<10)
		const clients, size = 60, 100_000
		var all sync.WaitGroup
		for i := range clients {
			c := s.dial(t)
			random := rand.New(rand.NewPCG(uint64(i), 1))
			sent := make([]byte, size)
			for k := range sent {
				sent[k] = byte(random.Uint32())
			}
			all.Go(func() {
				for p := sent; len(p) > 0; {
					n := min(len(p), 1+random.IntN(1+random.IntN(20_000)))
					if _, err := c.Write(p[:n]); err != nil {
						t.Errorf("client %d: %v", i, err)
						return
					}
					p = p[n:]
				}
				if err := c.CloseWrite(); err != nil {
					t.Errorf("client %d: %v", i, err)
				}
			})
			all.Go(func() {
				got, err := io.ReadAll(c)
				if err != nil || !bytes.Equal(got, sent) {
					t.Errorf("client %d: %d of %d bytes came back, %v", i, len(got), size, err)
				}
			})
		}
		all.Wait()
		eventually(t, "all connections closed", func() bool { return s.Stats.Open.Load() == 0 })
		if a, c := s.Stats.Accepted.Load(), s.Stats.Closed.Load(); a != clients || c != clients {
			t.Errorf("%d accepted, %d closed", a, c)
		}
	})
}

// Who reads late gets everything that fits into the outbox, also after the end of his
// own side.
func TestWaitsForALateReader(t *testing.T) {
	each(t, func(t *testing.T, kind Kind) {
		s := serve(t, kind, 64<<20)
		c := s.dial(t)
		sent := make([]byte, 8<<20) // more than the buffers of both sockets
		for i := range sent {
			sent[i] = byte(i * 7 >> 3)
		}
		written := make(chan error, 1)
		go func() {
			_, err := c.Write(sent)
			written <- errors.Join(err, c.CloseWrite())
		}()
		if kind != Goroutine { // which reads no further meanwhile
			if err := <-written; err != nil {
				t.Fatal(err)
			}
		}
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d of %d bytes came back, %v", len(got), len(sent), err)
		}
	})
}

// Who never reads is ended when his outbox is full, or waited for by a goroutine of his
// own; either way the others are served meanwhile.
func TestDoesNotWaitForWhoNeverReads(t *testing.T) {
	each(t, func(t *testing.T, kind Kind) {
		s := serve(t, kind, 64<<10)
		hog, other := s.dial(t), s.dial(t)
		gone := make(chan error, 1)
		go func() {
			p := make([]byte, 64<<10)
			for {
				if _, err := hog.Write(p); err != nil {
					gone <- err
					return
				}
			}
		}()
		if kind == Goroutine {
			echoOnce(t, other)
			_ = hog.SetWriteDeadline(time.Now()) // it would be written to for ever
			<-gone
			return
		}
		if err := <-gone; errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("it was neither read from nor ended")
		}
		eventually(t, "counted as evicted", func() bool { return s.Stats.Evicted.Load() == 1 })
		echoOnce(t, other)
	})
}

func echoOnce(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Write([]byte("12345678")); err != nil {
		t.Fatal(err)
	}
	var p [8]byte
	if _, err := io.ReadFull(c, p[:]); err != nil || string(p[:]) != "12345678" {
		t.Fatalf("%q came back, %v", p, err)
	}
}

// A server that ends closes all connections, also such as have something waiting, and
// gives every descriptor back, also after connections that were reset.
func TestEndsWithNothingLeft(t *testing.T) {
	each(t, func(t *testing.T, kind Kind) {
		cycle := func() {
			s := serve(t, kind, 1<<20)
			var conns []*net.TCPConn
			for range 20 {
				c := s.dial(t)
				echoOnce(t, c)
				conns = append(conns, c)
			}
			for _, c := range conns[:5] {
				_ = c.SetLinger(0)
				c.Close()
			}
			eventually(t, "resets noticed", func() bool { return s.Stats.Open.Load() == 15 })
			s.stop()
			for _, c := range conns[5:] {
				if _, err := c.Read(make([]byte, 1)); err == nil {
					t.Error("a connection outlived the server")
				}
				c.Close()
			}
			if n := s.Stats.Open.Load(); n != 0 {
				t.Errorf("%d connections are counted as open", n)
			}
			if c, err := net.Dial("tcp", s.addr); err == nil {
				c.Close()
				t.Error("it still listens")
			}
		}
		cycle() // what Go keeps for itself is there from now on
		before := descriptors(t)
		for range 3 {
			cycle()
		}
		eventually(t, "descriptors given back", func() bool { return descriptors(t) <= before })
	})
}

func descriptors(t *testing.T) int {
	t.Helper()
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(dir)
}

// Serve closes what it does not serve on.
func TestRefusesToServe(t *testing.T) {
	for _, tc := range []struct {
		kind Kind
		n    int
		says string
	}{{Epoll, 0, "0 listeners"}, {Goroutine, 2, "2 listeners"}, {"ring", 1, `no kind "ring"`}} {
		list := listenOn(t, tc.n)
		err := Serve(t.Context(), tc.kind, list, &Config{Stats: new(engine.Stats)})
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s on %d listeners: %v", tc.kind, tc.n, err)
		}
		for _, l := range list {
			if err := l.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a listener of %s was left open: %v", tc.kind, err)
			}
		}
	}
}
