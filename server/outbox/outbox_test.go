package outbox_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbench/server/engine"
	"signalbench/server/outbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limits is a Config with an outbox of 32 KiB.
func limits() *engine.Config {
	cfg := engine.DefaultConfig()
	cfg.Outbox = 32 << 10
	return &cfg
}

// connect returns both ends of a connection, the first one wrapped. Small
// kernel buffers let few bytes pass a peer that does not read.
func connect(t testing.TB, cfg *engine.Config) (*outbox.Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(nc.(*net.TCPConn).SetWriteBuffer(16<<10), peer.(*net.TCPConn).SetReadBuffer(16<<10)); err != nil {
		t.Fatal(err)
	}
	c := new(outbox.Conn)
	c.Init(nc, cfg)
	t.Cleanup(func() { c.Cut(); c.Wait(); peer.Close() })
	return c, peer.(*net.TCPConn)
}

// fill writes admitted messages until the outbox says no, and returns them.
func fill(t *testing.T, c *outbox.Conn, message int) (sent []byte, err error) {
	t.Helper()
	for i := uint32(0); ; i++ {
		if err := c.Admit(""); err != nil {
			return sent, err
		}
		p := binary.BigEndian.AppendUint32(nil, i)
		p = append(p, bytes.Repeat([]byte{byte(i)}, message-4)...)
		start := time.Now()
		if n, err := c.Write(p); n != len(p) || err != nil {
			t.Fatalf("write %d: %d, %v", i, n, err)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("write %d blocked for %v", i, d)
		}
		sent = append(sent, p...)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestPeerThatKeepsUpLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	c, peer := connect(t, limits())
	buf := make([]byte, 100)
	for i := range 100 {
		if _, err := c.Write(bytes.Repeat([]byte{byte(i)}, len(buf))); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(peer, buf); err != nil || buf[0] != byte(i) || buf[99] != byte(i) {
			t.Fatalf("message %d arrived as %v, %v", i, buf, err)
		}
		if n := c.Queued(); n != 0 {
			t.Fatalf("%d bytes wait for a peer that reads", n)
		}
	}
}

func TestOrderIsKeptThroughTheQueue(t *testing.T) {
	t.Parallel()
	cfg := limits()
	cfg.Slow = engine.SlowDrop
	c, peer := connect(t, cfg)
	sent, _ := fill(t, c, 999)
	if n := c.Queued(); n < cfg.Outbox || n >= cfg.Outbox+999 {
		t.Errorf("%d bytes wait, want at least %d and less than one message more", n, cfg.Outbox)
	}
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(peer, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Error("the peer received other bytes than were written")
	}
	eventually(t, "the queue is given up", func() bool { return c.Queued() == 0 })
	c.Wait()
	if _, err := c.Write([]byte("again")); err != nil {
		t.Errorf("write after the queue drained: %v", err)
	}
	if _, err := io.ReadFull(peer, got[:5]); err != nil || string(got[:5]) != "again" {
		t.Errorf("after the queue drained came %q, %v", got[:5], err)
	}
}

func TestConcurrentWritesAreNotInterleaved(t *testing.T) {
	t.Parallel()
	const writers, each, size = 8, 200, 333
	c, peer := connect(t, limits())
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range each {
				if _, err := c.Write(bytes.Repeat([]byte{byte(w)}, size)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	counts := make([]int, writers)
	buf := make([]byte, size)
	for range writers * each {
		if _, err := io.ReadFull(peer, buf); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(buf, bytes.Repeat(buf[:1], size)) {
			t.Fatalf("interleaved: %v", buf)
		}
		counts[buf[0]]++
	}
	wg.Wait()
	for w, n := range counts {
		if n != each {
			t.Errorf("writer %d: %d of %d arrived", w, n, each)
		}
	}
}

func TestSlowConsumerIsEvicted(t *testing.T) {
	t.Parallel()
	cfg := limits()
	c, peer := connect(t, cfg)
	if _, err := fill(t, c, 1000); !errors.Is(err, engine.ErrSlow) {
		t.Fatalf("full outbox: %v", err)
	}
	if err := c.Admit(""); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("after the eviction: %v", err)
	}
	if err := c.Err(); !errors.Is(err, engine.ErrSlow) {
		t.Errorf("cause: %v", err)
	}
	if e, d := cfg.Stats.Evicted.Load(), cfg.Stats.Dropped.Load(); e != 1 || d != 0 {
		t.Errorf("evicted %d, dropped %d", e, d)
	}
	if _, err := io.Copy(io.Discard, peer); err == nil {
		t.Error("the peer saw an orderly end, want a reset")
	}
	c.Wait()
	if n := c.Queued(); n != 0 {
		t.Errorf("%d bytes still held", n)
	}
}

func TestSlowConsumerLosesMessages(t *testing.T) {
	t.Parallel()
	cfg := limits()
	cfg.Slow = engine.SlowDrop
	c, peer := connect(t, cfg)
	if _, err := fill(t, c, 1000); !errors.Is(err, engine.ErrSlow) {
		t.Fatalf("full outbox: %v", err)
	}
	if e, d := cfg.Stats.Evicted.Load(), cfg.Stats.Dropped.Load(); e != 0 || d != 1 {
		t.Errorf("evicted %d, dropped %d", e, d)
	}
	go io.Copy(io.Discard, peer)
	eventually(t, "messages are admitted again", func() bool { return c.Admit("") == nil })
}

func TestOutboxMustRunEmptyInTime(t *testing.T) {
	t.Parallel()
	cfg := limits()
	cfg.WriteTimeout = 50 * time.Millisecond
	cfg.Slow = engine.SlowDrop
	c, _ := connect(t, cfg)
	if _, err := fill(t, c, 1000); !errors.Is(err, engine.ErrSlow) {
		t.Fatal(err)
	}
	start := time.Now()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Fatal("read something")
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("the reader was told after %v", d)
	}
	if err := c.Err(); !errors.Is(err, engine.ErrSlow) {
		t.Errorf("cause: %v", err)
	}
	if n := cfg.Stats.Evicted.Load(); n != 1 {
		t.Errorf("evicted %d", n)
	}
}

func TestCloseFlushesFirst(t *testing.T) {
	t.Parallel()
	for name, closing := range map[string]func(*outbox.Conn) error{
		"Close": (*outbox.Conn).Close, "CloseWrite": (*outbox.Conn).CloseWrite,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, peer := connect(t, limits())
			sent := bytes.Repeat([]byte("0123456789"), 100<<10)
			if _, err := c.Write(sent); err != nil {
				t.Fatal(err)
			}
			if err := closing(c); err != nil {
				t.Fatal(err)
			}
			if c.Queued() == 0 {
				t.Fatal("a megabyte went into small kernel buffers")
			}
			if _, err := c.Write([]byte("more")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("write after %s: %v", name, err)
			}
			got, err := io.ReadAll(peer)
			if err != nil || !bytes.Equal(got, sent) {
				t.Errorf("%d of %d bytes arrived before the end, %v", len(got), len(sent), err)
			}
		})
	}
}

func TestClosedWithinTheTimeoutOfAPeerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	cfg := limits()
	cfg.WriteTimeout = 50 * time.Millisecond
	c, _ := connect(t, cfg)
	if _, err := c.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c.Wait()
	if _, err := c.Conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the descriptor is still open: %v", err)
	}
	if n := cfg.Stats.Evicted.Load(); n != 0 {
		t.Errorf("a connection that was closing anyway counts as evicted")
	}
}

func TestLingerLetsTheLastBytesArrive(t *testing.T) {
	t.Parallel()
	c, peer := connect(t, limits())
	const last = "the last words"
	if _, err := peer.Write(make([]byte, 4096)); err != nil { // never read by the engine
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(last)); err != nil {
		t.Fatal(err)
	}
	lingered := make(chan struct{})
	go func() {
		defer close(lingered)
		c.Linger()
		c.Close()
	}()
	if got, err := io.ReadAll(peer); string(got) != last || err != nil {
		t.Errorf("the peer read %q, %v", got, err)
	}
	peer.Close()
	<-lingered
}

func TestFailedWriteIsFinal(t *testing.T) {
	t.Parallel()
	c, peer := connect(t, limits())
	peer.SetLinger(0)
	peer.Close()
	var first error
	eventually(t, "a write to a reset connection fails", func() bool {
		_, first = c.Write([]byte("x"))
		return first != nil
	})
	if _, err := c.Write([]byte("x")); err != first {
		t.Errorf("then %v, first %v", err, first)
	}
	if err := c.Admit(""); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("admitted to a dead connection: %v", err)
	}
}

// A net.Pipe has no descriptor and no buffer: everything goes through the queue.
func TestConnectionWithoutDescriptor(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	var c outbox.Conn
	c.Init(near, limits())
	sent := bytes.Repeat([]byte("abcdefg"), 5000)
	for p := sent; len(p) > 0; p = p[7:] {
		if n, err := c.Write(p[:7]); n != 7 || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(far)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d of %d bytes, %v", len(got), len(sent), err)
	}
	c.Wait()
	far.Close()
}

func TestDeadlinesOfWritesAreIgnored(t *testing.T) {
	t.Parallel()
	c, peer := connect(t, limits())
	past := time.Unix(1, 0)
	if err := errors.Join(c.SetWriteDeadline(past), c.SetDeadline(past)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(peer, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("SetDeadline did not set the read deadline")
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	c, peer := connect(t, limits())
	p := make([]byte, 128)
	buf := make([]byte, len(p))
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := c.Write(p); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(peer, buf); err != nil {
			t.Fatal(err)
		}
	}); n >= 1 {
		t.Errorf("%v allocations for a write", n)
	}
}

func BenchmarkWrite(b *testing.B) {
	for name, wrap := range map[string]bool{"outbox": true, "net": false} {
		b.Run(name, func(b *testing.B) {
			c, peer := connect(b, limits())
			var w io.Writer = c.Conn
			if wrap {
				w = c
			}
			p := make([]byte, 128)
			buf := make([]byte, len(p))
			b.ReportAllocs()
			for b.Loop() {
				w.Write(p)
				if _, err := io.ReadFull(peer, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A message's own policy goes before that of the Config.
func TestPolicyOfAMessage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		config, message  engine.SlowPolicy
		dropped, evicted uint64
	}{
		{engine.SlowClose, engine.SlowDrop, 1, 0},
		{engine.SlowDrop, engine.SlowClose, 0, 1},
		{engine.SlowDrop, "", 2, 0},
	} {
		cfg := limits()
		cfg.Slow = engine.SlowDrop
		c, _ := connect(t, cfg)
		if _, err := fill(t, c, 999); !errors.Is(err, engine.ErrSlow) {
			t.Fatal(err)
		}
		cfg.Slow = tt.config
		if tt.message != "" {
			cfg.Stats.Dropped.Store(0)
		}
		if err := c.Offer([]byte("one more"), tt.message); !errors.Is(err, engine.ErrSlow) {
			t.Errorf("%q over %q: %v, want %v", tt.message, tt.config, err, engine.ErrSlow)
		}
		if d, e := cfg.Stats.Dropped.Load(), cfg.Stats.Evicted.Load(); d != tt.dropped || e != tt.evicted {
			t.Errorf("%q over %q: %d dropped and %d evicted, want %d and %d", tt.message, tt.config, d, e, tt.dropped, tt.evicted)
		}
	}
}

// What is offered comes before a last word that is announced, or not at all.
func TestNothingIsOfferedBehindALastWord(t *testing.T) {
	t.Parallel()
	const offering = 4
	for range 50 {
		c, peer := connect(t, limits())
		if err := c.SetWriteDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		if err := c.Offer([]byte("first"), ""); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range offering {
			wg.Go(func() {
				for c.Offer([]byte("more"), "") == nil {
				}
			})
		}
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := c.Write([]byte("bye")); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(peer)
		if err != nil || !bytes.HasPrefix(got, []byte("first")) || !bytes.HasSuffix(got, []byte("bye")) {
			t.Fatalf("the peer got %d bytes that end with %q, %v", len(got), got[max(0, len(got)-8):], err)
		}
	}
}
