package main

import (
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"signalbench/server/echo"
	"signalbench/server/engine"
	"signalbench/server/frame"
)

// A room is an echo handler that keeps its connections.
type room struct {
	echo.Handler
	opened chan engine.Conn
}

func (r room) Open(c engine.Conn, _ *engine.Request) { r.opened <- c }

// gather opens n connections to an engine. The clients are the caller's to close.
func gather(tb testing.TB, e engine.Entry, n int) (clients []bare, conns []engine.Conn) {
	tb.Helper()
	r := room{opened: make(chan engine.Conn, 1)}
	a := serveEngine(tb, e, engine.DefaultConfig(), r)
	for range n {
		clients = append(clients, dialBare(tb, a))
		conns = append(conns, <-r.opened)
	}
	return clients, conns
}

// TestFanoutAllocatesNothing for a delivery, whatever the engine.
func TestFanoutAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	message := frame.Prepare(engine.OpText, make([]byte, 128))
	for _, e := range measured() {
		t.Run(e.Name, func(t *testing.T) {
			clients, conns := gather(t, e, 1)
			defer clients[0].close()
			got := testing.AllocsPerRun(2000, func() {
				if err := conns[0].SendPrepared(message); err != nil {
					t.Fatal(err)
				}
				clients[0].receive(t, len(message.Frame))
			})
			if got != 0 {
				t.Errorf("%v allocations for a delivery", got)
			}
		})
	}
}

// An audience is clients that take what is sent to them, all by one thread, which
// copies nothing of it.
type audience struct {
	clients []bare
	epoll   int
	taken   atomic.Int64 // bytes
	done    chan struct{}
}

func newAudience(b *testing.B, clients []bare) *audience {
	b.Helper()
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range clients {
		if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, int(c), &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c)}); err != nil {
			b.Fatal(err)
		}
	}
	a := &audience{clients: clients, epoll: epoll, done: make(chan struct{})}
	go a.listen()
	b.Cleanup(a.leave)
	return a
}

// listen takes what comes until it has come from the first client that is shut down.
func (a *audience) listen() {
	defer close(a.done)
	var events [256]unix.EpollEvent
	for {
		n, err := unix.EpollWait(a.epoll, events[:], -1)
		if err != nil && err != unix.EINTR {
			return
		}
		for _, ev := range events[:max(n, 0)] {
			// MSG_TRUNC takes bytes of a TCP socket without copying them (tcp(7)).
			k, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(ev.Fd), 0, 1<<20, unix.MSG_DONTWAIT|unix.MSG_TRUNC, 0, 0)
			switch {
			case errno == 0 && k == 0, errno != 0 && errno != unix.EAGAIN && errno != unix.EINTR:
				return
			case errno == 0:
				a.taken.Add(int64(k))
			}
		}
	}
}

// leave ends the thread and the clients.
func (a *audience) leave() {
	_ = unix.Shutdown(int(a.clients[0]), unix.SHUT_RDWR)
	<-a.done
	_ = unix.Close(a.epoll)
	for _, c := range a.clients {
		c.close()
	}
}

// BenchmarkFanout is one message of 128 B to 1,000 connections over loopback whose
// clients take what comes: one op is the message to all of them. The sender is at
// most 64 messages ahead of the clients. bare is a loop of write(2) over as many
// sockets, which is what an engine may cost at the least.
func BenchmarkFanout(b *testing.B) {
	const n, ahead = 1000, 64
	message := frame.Prepare(engine.OpText, make([]byte, 128))
	measure := func(b *testing.B, clients []bare, tellAll func()) {
		a := newAudience(b, clients)
		round := int64(n * len(message.Frame))
		var told int64
		b.ReportAllocs()
		for b.Loop() {
			for told-a.taken.Load() > ahead*round {
				runtime.Gosched()
			}
			tellAll()
			told += round
		}
		for a.taken.Load() < told {
			runtime.Gosched()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/delivery")
	}

	b.Run("bare", func(b *testing.B) {
		clients, sockets := bareSockets(b, n)
		measure(b, clients, func() {
			for _, fd := range sockets {
				k, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&message.Frame[0])), uintptr(len(message.Frame)))
				if errno != 0 || int(k) < len(message.Frame) {
					b.Fatalf("write: %d, %v", k, errno)
				}
			}
		})
	})
	for _, e := range measured() {
		b.Run(e.Name, func(b *testing.B) {
			clients, conns := gather(b, e, n)
			measure(b, clients, func() { tell(b, conns, message) })
		})
		if !e.OwnTables {
			continue
		}
		b.Run(e.Name+"-tables", func(b *testing.B) {
			clients, conns := gather(b, withTables(e, 2), n)
			var told sync.WaitGroup
			homes := make(map[engine.Home][]engine.Conn)
			for _, c := range conns {
				homes[c.Home()] = append(homes[c.Home()], c)
			}
			jobs := make(map[engine.Home]func())
			for home, own := range homes {
				jobs[home] = func() { tell(b, own, message); told.Done() }
			}
			measure(b, clients, func() {
				told.Add(len(jobs))
				for home, job := range jobs {
					home.Do(job)
				}
				told.Wait()
			})
		})
	}
}

// tell sends a message to all.
func tell(b *testing.B, conns []engine.Conn, m *engine.Prepared) {
	for _, c := range conns {
		if err := c.SendPrepared(m); err != nil {
			b.Error(err)
		}
	}
}

// bareSockets returns n connected pairs: blocking sockets, and descriptors of
// non-blocking ones.
func bareSockets(b *testing.B, n int) (clients []bare, sockets []int) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for range n {
		clients = append(clients, connectBare(b, l.Addr().(*net.TCPAddr)))
		nc, err := l.Accept()
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { nc.Close() })
		raw, err := nc.(*net.TCPConn).SyscallConn()
		if err != nil {
			b.Fatal(err)
		}
		_ = raw.Control(func(fd uintptr) { sockets = append(sockets, int(fd)) })
	}
	return clients, slices.Clip(sockets)
}

// withTables returns the engine with n descriptor tables.
func withTables(e engine.Entry, n int) engine.Entry {
	one := e.New
	e.New = func(cfg engine.Config) (engine.Engine, error) {
		cfg.Tables = n
		return one(cfg)
	}
	return e
}
