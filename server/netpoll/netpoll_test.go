package netpoll_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"signalbench/server/echo"
	"signalbench/server/engine"
	"signalbench/server/netpoll"
)

// apart is the engine with three descriptor tables.
var apart = engine.Entry{Name: "netpoll-tables", New: func(cfg engine.Config) (engine.Engine, error) {
	cfg.Tables = 3
	return netpoll.Entry.New(cfg)
}}

// alone runs f for the engine, with one descriptor table and with several.
func alone(t *testing.T, f func(*testing.T, engine.Entry)) {
	for _, e := range []engine.Entry{netpoll.Entry, apart} {
		t.Run(e.Name, func(t *testing.T) { f(t, e) })
	}
}

// both runs f for the engine, with one descriptor table and with several, and for
// the lesson beside it.
func both(t *testing.T, f func(*testing.T, engine.Entry)) {
	for _, e := range []engine.Entry{netpoll.Entry, apart, netpoll.DescEntry} {
		t.Run(e.Name, func(t *testing.T) { f(t, e) })
	}
}

func TestTLSIsRefused(t *testing.T) {
	both(t, func(t *testing.T, e engine.Entry) {
		cfg := engine.DefaultConfig()
		cfg.TLS = new(tls.Config)
		if _, err := e.New(cfg); err == nil || !strings.Contains(err.Error(), "TLS") {
			t.Errorf("a config with TLS gives %v", err)
		}
		cfg = engine.DefaultConfig()
		cfg.Outbox = 0
		if _, err := e.New(cfg); err == nil {
			t.Error("an invalid config is taken")
		}
	})
}

// All replies to what one read brought leave in one write, so that one read
// brings all of them.
func TestRepliesShareAWrite(t *testing.T) {
	alone(t, func(t *testing.T, e engine.Entry) {
		s := serve(t, e, echo.Handler{}, nil)
		p := s.open(t)
		var out, want bytes.Buffer
		for i := range 20 {
			text := fmt.Appendf(nil, "message %d", i)
			out.Write(masked(ws.OpText, text))
			want.Write(ws.MustCompileFrame(ws.NewTextFrame(text)))
		}
		if _, err := p.Write(out.Bytes()); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 4096)
		n, err := p.Read(got)
		if err != nil || !bytes.Equal(got[:n], want.Bytes()) {
			t.Errorf("the first read brought %d of %d B (%v)", n, want.Len(), err)
		}
	})
}

func TestConn(t *testing.T) {
	both(t, func(t *testing.T, e engine.Entry) {
		var conn engine.Conn
		opened, closed := make(chan struct{}), make(chan error, 1)
		s := serve(t, e, hooks{
			accept: func(r *engine.Request) error { r.Value = "from Accept: " + r.RemoteAddr.String(); return nil },
			open: func(c engine.Conn, r *engine.Request) {
				if c.State() != nil {
					t.Errorf("a new connection has the state %v", c.State())
				}
				c.SetState(r.Value)
				_ = c.Send(engine.OpText, []byte("hello from Open"))
				conn = c
				close(opened)
			},
			closed: func(_ engine.Conn, cause error) { closed <- cause },
		}, nil)
		p := s.open(t)
		<-opened
		if err := p.want(ws.OpText, []byte("hello from Open")); err != nil {
			t.Error(err)
		}
		local := p.LocalAddr().String()
		if got := conn.RemoteAddr().String(); got != local || conn.RemoteAddr().Network() != "tcp" {
			t.Errorf("remote address %v, want %v", got, local)
		}
		if got := conn.State(); got != "from Accept: "+local {
			t.Errorf("state %q", got)
		}
		if err := conn.Close(4000, "enough"); err != nil {
			t.Error(err)
		}
		if err := conn.Send(engine.OpText, nil); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("Send after Close: %v", err)
		}
		if err := conn.Close(4000, ""); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("second Close: %v", err)
		}
		body := ws.NewCloseFrameBody(4000, "enough")
		if err := p.want(ws.OpClose, body); err != nil {
			t.Error(err)
		}
		if err := p.send(ws.OpClose, body); err != nil || !p.ended() {
			t.Errorf("no end after the closing handshake (%v)", err)
		}
		var ce *engine.CloseError
		if cause := <-closed; !errors.As(cause, &ce) || ce.Code != 4000 {
			t.Errorf("Closed is told %v", cause)
		}
		if err := conn.Send(engine.OpText, nil); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("Send after the end: %v", err)
		}
		_ = conn.RemoteAddr() // must not touch a descriptor that is another's by now
	})
}

// A handler's panic ends its own connection with 1011, whichever call it was.
func TestPanic(t *testing.T) {
	both(t, func(t *testing.T, e engine.Entry) {
		var closes atomic.Int32
		s := serve(t, e, hooks{
			accept: func(r *engine.Request) error {
				if r.RawQuery == "accept" {
					panic("in Accept")
				}
				r.Value = r.RawQuery
				return nil
			},
			open: func(c engine.Conn, r *engine.Request) {
				c.SetState(r.Value)
				if r.Value == "open" {
					panic("in Open")
				}
			},
			message: func(c engine.Conn, op engine.Opcode, p []byte) {
				if c.State() == "message" {
					panic("in Message")
				}
				_ = c.Send(op, p)
			},
			closed: func(c engine.Conn, _ error) {
				closes.Add(1)
				panic("in Closed")
			},
		}, nil)
		bystander := s.open(t)
		for _, where := range []string{"accept", "open", "message", "message-glued"} {
			p, err := s.dial()
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			query := strings.TrimSuffix(where, "-glued")
			_, _ = io.WriteString(p, strings.Replace(request, "/echo", "/echo?"+query, 1))
			if where == "message-glued" {
				_ = p.send(ws.OpText, []byte("boom"))
			}
			status, err := p.status()
			if where == "accept" {
				if err == nil && status != 500 {
					t.Errorf("%s: status %d", where, status)
				}
				continue
			}
			if err != nil || status != 101 {
				t.Fatalf("%s: status %d, %v", where, status, err)
			}
			if where == "message" {
				_ = p.send(ws.OpText, []byte("boom"))
			}
			if err := p.want(ws.OpClose, ws.NewCloseFrameBody(1011, "internal error")); err != nil {
				t.Errorf("%s: %v", where, err)
			}
			p.Close()
		}
		eventually(t, "end of the three", func() bool { return closes.Load() == 3 })
		if err := bystander.echo("unharmed"); err != nil {
			t.Error(err)
		}
		if err := s.end(t); err != nil && !errors.Is(err, engine.ErrDrainDeadline) {
			t.Error(err)
		}
	})
}

// TestSlow floods a peer that does not read, from another goroutine than the
// poller.
func TestSlow(t *testing.T) {
	alone(t, func(t *testing.T, e engine.Entry) {
		for _, policy := range []engine.SlowPolicy{engine.SlowClose, engine.SlowDrop} {
			t.Run(string(policy), func(t *testing.T) {
				t.Parallel()
				conns, closed := make(chan engine.Conn, 1), make(chan error, 1)
				s := serve(t, e, hooks{
					open:   func(c engine.Conn, _ *engine.Request) { conns <- c },
					closed: func(_ engine.Conn, cause error) { closed <- cause },
				}, func(c *engine.Config) { c.Slow, c.Outbox = policy, 50_000 })
				p := s.open(t)
				c := <-conns
				payload := make([]byte, 10_000)
				sent := uint32(0)
				for {
					binary.BigEndian.PutUint32(payload, sent)
					err := c.Send(engine.OpBinary, payload)
					if err == nil {
						sent++
						continue
					}
					if !errors.Is(err, engine.ErrSlow) {
						t.Fatal(err)
					}
					break
				}
				if policy == engine.SlowClose {
					if cause := <-closed; !errors.Is(cause, engine.ErrSlow) {
						t.Errorf("Closed is told %v", cause)
					}
					if n := s.stats.Evicted.Load(); n != 1 {
						t.Errorf("%d evicted", n)
					}
					if err := c.Send(engine.OpText, nil); !errors.Is(err, engine.ErrClosed) {
						t.Errorf("Send after the eviction: %v", err)
					}
					return
				}
				if n := s.stats.Dropped.Load(); n != 1 {
					t.Errorf("%d dropped", n)
				}
				for i := range sent { // what was accepted arrives, in order and whole
					_, text, err := p.frame()
					if err != nil {
						t.Fatal(err)
					}
					if got := binary.BigEndian.Uint32(text); got != i || len(text) != len(payload) {
						t.Fatalf("message %d of %d B, want %d", got, len(text), i)
					}
				}
				if err := p.echo("kept"); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// A peer that has ended its own side still gets the replies that wait for it.
func TestHalfClosedPeerGetsItsReplies(t *testing.T) {
	alone(t, func(t *testing.T, e engine.Entry) {
		t.Parallel()
		s := serve(t, e, echo.Handler{}, func(c *engine.Config) { c.Outbox = 64 << 20 })
		p := s.open(t)
		message := make([]byte, 100_000)
		const n = 160 // more than the kernel takes on both sides together
		whole := masked(ws.OpBinary, message)
		for range n {
			if _, err := p.Write(whole); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if err := p.want(ws.OpBinary, message); err != nil {
				t.Fatalf("reply %d: %v", i, err)
			}
		}
		if !p.ended() {
			t.Error("the connection stays open")
		}
	})
}

// Frames of concurrent senders are whole and, for each sender, in order, also
// while the poller is replying.
func TestConcurrentSends(t *testing.T) {
	alone(t, func(t *testing.T, e engine.Entry) {
		t.Parallel()
		conns := make(chan engine.Conn, 1)
		s := serve(t, e, hooks{open: func(c engine.Conn, _ *engine.Request) { conns <- c }},
			func(c *engine.Config) { c.Outbox = 64 << 20 })
		p := s.open(t)
		c := <-conns
		const senders, each = 4, 400
		var wg sync.WaitGroup
		for id := range senders {
			wg.Go(func() {
				payload := bytes.Repeat([]byte{byte(id)}, 1000)
				for i := range uint32(each) {
					binary.BigEndian.PutUint32(payload[4:], i)
					if err := c.Send(engine.OpBinary, payload); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Go(func() { // and the poller as one more, through the echo
			payload := bytes.Repeat([]byte{senders}, 1000)
			for i := range uint32(each) {
				binary.BigEndian.PutUint32(payload[4:], i)
				if err := p.send(ws.OpBinary, payload); err != nil {
					t.Error(err)
					return
				}
			}
		})
		var next [senders + 1]uint32
		for range (senders + 1) * each {
			_, text, err := p.frame()
			if err != nil {
				t.Fatal(err)
			}
			id := text[0]
			if got := binary.BigEndian.Uint32(text[4:]); got != next[id] || len(text) != 1000 || text[999] != id {
				t.Fatalf("sender %d: message %d, want %d", id, got, next[id])
			}
			next[id]++
		}
		wg.Wait()
	})
}

// Short-lived connections on few descriptor numbers, with senders that hold on to
// connections that have ended: nothing of one may reach another.
func TestReusedDescriptors(t *testing.T) {
	alone(t, func(t *testing.T, e engine.Entry) {
		t.Parallel()
		var mu sync.Mutex
		held := make([]engine.Conn, 0, 64) // some of them long dead
		s := serve(t, e, hooks{
			open: func(c engine.Conn, r *engine.Request) {
				c.SetState(r.RawQuery)
				mu.Lock()
				if len(held) < cap(held) {
					held = append(held, c)
				} else {
					held[len(r.RawQuery)*7919%cap(held)] = c
				}
				mu.Unlock()
			},
		}, func(c *engine.Config) { c.Pollers, c.Slow, c.Outbox = 2, engine.SlowDrop, 1<<10 })
		done := make(chan struct{})
		var senders, clients sync.WaitGroup
		for k := range 3 {
			senders.Go(func() {
				for i := k; ; i++ {
					select {
					case <-done:
						return
					default:
					}
					mu.Lock()
					var c engine.Conn
					if len(held) > 0 {
						c = held[i%len(held)]
					}
					mu.Unlock()
					if c == nil {
						continue
					}
					time.Sleep(50 * time.Microsecond) // a pace, not a wait: the clients need the processors
					owner, _ := c.State().(string)
					_ = c.Send(engine.OpText, []byte("for "+owner))
					switch i % 97 {
					case 0:
						_ = c.Close(engine.CloseNormal, owner)
					case 1:
						_ = c.RemoteAddr()
					}
				}
			})
		}
		for k := range 6 {
			clients.Go(func() {
				for i := range 60 {
					name := strings.Repeat("x", i%50) + fmt.Sprintf("-%d-%d", k, i)
					if err := shortLife(s, name, i); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		clients.Wait()
		close(done)
		senders.Wait()
		eventually(t, "end of all connections", func() bool { return s.stats.Open.Load() == 0 })
		if a, u, f, r := s.stats.Accepted.Load(), s.stats.Upgraded.Load(), s.stats.Failed.Load(), s.stats.Refused.Load(); a != u+f+r {
			t.Errorf("accepted %d, upgraded %d, failed %d, refused %d", a, u, f, r)
		}
	})
}

// shortLife is one connection that expects nothing but its own messages.
func shortLife(s *serving, name string, i int) error {
	p, err := s.dial()
	if err != nil {
		return err
	}
	defer p.Close()
	if _, err := io.WriteString(p, strings.Replace(request, "/echo", "/echo?"+name, 1)); err != nil {
		return err
	}
	if _, err := p.status(); err != nil {
		return err
	}
	_ = p.send(ws.OpText, []byte("for "+name)) // fails if it was closed by a sender
	for range 1 + i%2 {                        // at least its own echo, or what a sender sent
		op, text, err := p.frame()
		if err != nil || op == ws.OpClose {
			return nil // closed by a sender
		}
		if string(text) != "for "+name {
			return fmt.Errorf("%s received %q", name, text)
		}
		if i%2 == 1 {
			_ = p.send(ws.OpText, []byte("for "+name))
		}
	}
	switch i % 3 {
	case 0:
		_ = p.SetLinger(0) // reset
	case 1:
		_ = p.send(ws.OpClose, ws.NewCloseFrameBody(1000, ""))
	}
	return nil
}

// Many pollers share connections and listeners, and a second Serve of the same
// engine is as good as the first.
func TestPollersAndListeners(t *testing.T) { alone(t, pollersAndListeners) }

func pollersAndListeners(t *testing.T, e engine.Entry) {
	cfg := engine.DefaultConfig()
	cfg.Pollers = 3
	eng, err := e.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var listeners []net.Listener
		for range 4 {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			listeners = append(listeners, l)
		}
		unixAddr := t.TempDir() + "/socket"
		l, err := net.Listen("unix", unixAddr)
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
		addrs := make([]string, 4)
		for i := range addrs {
			addrs[i] = listeners[i].Addr().String()
		}
		ctx, stop := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- eng.Serve(ctx, listeners, echo.Handler{}) }()
		var peers []*peer
		for i := range 40 {
			s := &serving{addr: addrs[i%len(addrs)]}
			p, err := s.upgrade()
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			peers = append(peers, p)
		}
		for i, p := range peers {
			if err := p.echo(fmt.Sprint("peer ", i)); err != nil {
				t.Error(err)
			}
		}
		stop()
		for _, p := range peers {
			if err := p.want(ws.OpClose, ws.NewCloseFrameBody(1001, "server is shutting down")); err != nil {
				t.Error(err)
			}
			p.Close()
		}
		if err := <-served; err != nil && !errors.Is(err, engine.ErrDrainDeadline) {
			t.Errorf("Serve: %v", err)
		}
	}
}

// notSocket is a listener that has no descriptor.
type notSocket struct{ net.Listener }

func TestServeRefusesWhatItCannotServe(t *testing.T) {
	cfg := engine.DefaultConfig()
	eng, err := netpoll.Entry.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var listeners []net.Listener
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
	}
	listeners[1] = notSocket{listeners[1]}
	if err := eng.Serve(context.Background(), listeners, echo.Handler{}); err == nil || !strings.Contains(err.Error(), "descriptor") {
		t.Errorf("Serve returned %v", err)
	}
	for i, l := range listeners {
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			c.Close()
			t.Errorf("listener %d was left open", i)
		}
	}
}

// An accepted socket inherits TCP_NODELAY from the listener, so that it need not
// be set on each.
func TestNoDelayIsInherited(t *testing.T) {
	s := serve(t, netpoll.Entry, echo.Handler{}, nil)
	p := s.open(t)
	local, remote := p.LocalAddr().String(), p.RemoteAddr().String()
	found := false
	for fd := range 1024 { // the server's end is in this process
		sa, err := unix.Getpeername(fd)
		if err != nil {
			continue
		}
		in, ok := sa.(*unix.SockaddrInet4)
		if !ok || (&net.TCPAddr{IP: in.Addr[:], Port: in.Port}).String() != local {
			continue
		}
		found = true
		if v, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY); err != nil || v != 1 {
			t.Errorf("TCP_NODELAY is %d (%v)", v, err)
		}
	}
	if !found {
		t.Errorf("no socket from %s to %s found", remote, local)
	}
}

// What a connection takes of the descriptor limit: one, and two in the lesson.
func TestDescriptors(t *testing.T) {
	for _, tt := range []struct {
		entry engine.Entry
		want  int64
	}{{netpoll.Entry, 1}, {netpoll.DescEntry, 2}} {
		t.Run(tt.entry.Name, func(t *testing.T) {
			s := serve(t, tt.entry, echo.Handler{}, nil)
			first := s.open(t)
			if err := first.echo("to have everything set up"); err != nil {
				t.Fatal(err)
			}
			before := descriptors(t)
			const n = 50
			for range n {
				p := s.open(t)
				if err := p.echo("hello"); err != nil {
					t.Fatal(err)
				}
			}
			// The lesson's worker makes the second one after it has answered, so
			// look until it has; the client's own is in the count.
			want := before + n*(tt.want+1)
			eventually(t, fmt.Sprintf("%d descriptors", want), func() bool { return descriptors(t) == want })
		})
	}
}

func descriptors(t *testing.T) int64 {
	info, err := os.Stat("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// Timeouts at the edge: a connection whose handshake may take longer than its
// silence is still held to its silence.
func TestReadTimeoutShorterThanHandshakeTimeout(t *testing.T) {
	alone(t, func(t *testing.T, e engine.Entry) {
		t.Parallel()
		s := serve(t, e, echo.Handler{}, func(c *engine.Config) {
			c.HandshakeTimeout, c.ReadTimeout = time.Hour, 200*time.Millisecond
		})
		p := s.open(t)
		start := time.Now()
		if err := p.want(ws.OpClose, ws.NewCloseFrameBody(1008, "silent for too long")); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited < 190*time.Millisecond {
			t.Errorf("closed after %v", waited)
		}
		eventually(t, "count of the timeout", func() bool { return s.stats.TimedOut.Load() == 1 })
	})
}

// A connection whose bytes come one at a time is like any other.
func TestByteByByte(t *testing.T) {
	both(t, func(t *testing.T, e engine.Entry) {
		t.Parallel()
		s := serve(t, e, echo.Handler{}, nil)
		p, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		stream := []byte(request)
		stream = append(stream, masked(ws.OpText, []byte("hello"))...)
		stream = append(stream, masked(ws.OpPong, nil)...)
		stream = append(stream, masked(ws.OpPing, []byte("ping"))...)
		stream = append(stream, masked(ws.OpClose, ws.NewCloseFrameBody(1000, ""))...)
		for i := range stream {
			if _, err := p.Write(stream[i : i+1]); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.expect(101); err != nil {
			t.Fatal(err)
		}
		for _, want := range []struct {
			op ws.OpCode
			p  []byte
		}{{ws.OpText, []byte("hello")}, {ws.OpPong, []byte("ping")}, {ws.OpClose, ws.NewCloseFrameBody(1000, "")}} {
			if err := p.want(want.op, want.p); err != nil {
				t.Error(err)
			}
		}
		if !p.ended() {
			t.Error("the connection stays open")
		}
	})
}

// Whoever lets the server wait is cut, and neither early nor much late.
func TestTimeouts(t *testing.T) {
	alone(t, func(t *testing.T, e engine.Entry) {
		const limit = 300 * time.Millisecond
		for _, tt := range []struct {
			name  string
			begin func(*testing.T, *serving) *peer // returns when the time begins to run
			cause func(error) bool                 // what Closed is told; nil: it is not called
		}{
			{"nothing of a handshake", func(t *testing.T, s *serving) *peer {
				p, err := s.dial()
				if err != nil {
					t.Fatal(err)
				}
				return p
			}, nil},
			{"half a handshake", func(t *testing.T, s *serving) *peer {
				p, err := s.dial()
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.WriteString(p, request[:50])
				return p
			}, nil},
			{"no answer to a close frame", func(t *testing.T, s *serving) *peer {
				p := s.open(t)
				_ = p.send(ws.OpText, []byte("close"))
				if err := p.want(ws.OpClose, ws.NewCloseFrameBody(4001, "")); err != nil {
					t.Error(err)
				}
				return p
			}, func(err error) bool {
				ce, ok := errors.AsType[*engine.CloseError](err)
				return ok && ce.Code == 4001
			}},
			{"an outbox that is not taken", func(t *testing.T, s *serving) *peer {
				p := s.open(t)
				_ = p.send(ws.OpText, []byte("flood"))
				return p
			}, func(err error) bool { return errors.Is(err, engine.ErrSlow) }},
			{"a failed connection that stays", func(t *testing.T, s *serving) *peer {
				p := s.open(t)
				_, _ = p.Write([]byte{0xff})
				return p
			}, func(err error) bool {
				ce, ok := errors.AsType[*engine.CloseError](err)
				return ok && ce.Code == engine.CloseProtocolError
			}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				closed := make(chan error, 1)
				s := serve(t, e, hooks{
					message: func(c engine.Conn, _ engine.Opcode, p []byte) {
						if string(p) == "close" {
							_ = c.Close(4001, "")
							return
						}
						_ = c.Send(engine.OpBinary, make([]byte, 32<<20)) // more than the kernel takes
					},
					closed: func(_ engine.Conn, cause error) { closed <- cause },
				}, func(c *engine.Config) { c.HandshakeTimeout, c.WriteTimeout = limit, limit })
				start := time.Now()
				p := tt.begin(t, s)
				defer p.Close()
				if tt.cause == nil {
					eventually(t, "failed handshake", func() bool { return s.stats.Failed.Load() == 1 })
				} else if cause := <-closed; !tt.cause(cause) {
					t.Errorf("Closed is told %v", cause)
				}
				if waited := time.Since(start); waited < limit {
					t.Errorf("cut after %v", waited)
				}
			})
		}
	})
}
