package channel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"signalbench/server/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeConn keeps what it is sent.
type fakeConn struct {
	home  engine.Home
	state any

	mu   sync.Mutex
	got  []string
	at   []time.Time
	fail error
}

func (c *fakeConn) Send(engine.Opcode, []byte) error { return errors.New("not prepared") }

func (c *fakeConn) SendPrepared(m *engine.Prepared) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return c.fail
	}
	c.got, c.at = append(c.got, string(m.Payload)), append(c.at, time.Now())
	return nil
}

func (c *fakeConn) sent() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

func (c *fakeConn) Home() engine.Home                    { return c.home }
func (c *fakeConn) Close(engine.CloseCode, string) error { return nil }
func (c *fakeConn) SetState(v any)                       { c.state = v }
func (c *fakeConn) State() any                           { return c.state }
func (c *fakeConn) RemoteAddr() net.Addr                 { return nil }

// A fakeHome runs jobs one after the other, like an event loop.
type fakeHome struct{ jobs chan func() }

func newHome(t *testing.T) *fakeHome {
	h := &fakeHome{make(chan func(), 1<<16)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for job := range h.jobs {
			if job == nil {
				return
			}
			job()
		}
	}()
	t.Cleanup(func() { h.jobs <- nil; <-done })
	return h
}

func (h *fakeHome) Do(job func()) bool { h.jobs <- job; return true }

// An endedHome takes no jobs any more.
type endedHome bool

func (*endedHome) Do(func()) bool { return false }

func subscribe(c *Channels, name string, home engine.Home) *fakeConn {
	conn := &fakeConn{home: home}
	c.Open(conn, &engine.Request{Path: Prefix + name})
	return conn
}

func publish(t *testing.T, c *Channels, name, text string) int {
	t.Helper()
	n, err := c.Publish(t.Context(), name, engine.OpText, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAccept(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	for path, ok := range map[string]bool{
		"/channel/7": true, "/channel/a/b": true, "/channel/" + strings.Repeat("x", MaxName): true,
		"/channel/": false, "/channel": false, "/channel/" + strings.Repeat("x", MaxName+1): false,
	} {
		err := c.Accept(&engine.Request{Path: path})
		refusal, refused := errors.AsType[*engine.Refusal](err)
		if (err == nil) != ok || refused && refusal.Status != 404 {
			t.Errorf("%.20s: %v", path, err)
		}
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	loop, other := newHome(t), newHome(t)
	var all []*fakeConn
	for i := range 1000 {
		all = append(all, subscribe(c, "news", []engine.Home{nil, loop, other}[i%3]))
	}
	elsewhere := subscribe(c, "other", loop)
	if n := publish(t, c, "nobody", "hello"); n != 0 {
		t.Errorf("%d receivers of a channel that does not exist", n)
	}
	for _, name := range []string{"", strings.Repeat("x", MaxName+1)} {
		if n, err := c.Publish(t.Context(), name, engine.OpText, nil); err == nil {
			t.Errorf("%d receivers of a channel that cannot be", n)
		}
	}
	all[5].fail = engine.ErrSlow
	if n := publish(t, c, "news", "hello"); n != len(all)-1 {
		t.Errorf("%d receivers, want %d", n, len(all)-1)
	}
	all[5].fail = nil
	c.Closed(all[0], nil)
	c.Closed(all[999], nil)
	if n := publish(t, c, "news", "again"); n != len(all)-2 {
		t.Errorf("%d receivers, want %d", n, len(all)-2)
	}
	for i, conn := range all {
		want := []string{"hello", "again"}
		switch i {
		case 0, 999:
			want = want[:1]
		case 5:
			want = want[1:]
		}
		if got := conn.sent(); !slices.Equal(got, want) {
			t.Fatalf("subscriber %d got %q, want %q", i, got, want)
		}
	}
	if got := elsewhere.sent(); len(got) > 0 {
		t.Errorf("another channel got %q", got)
	}
	c.Message(all[1], engine.OpText, []byte("I am ignored"))
	for _, conn := range append(all[1:999], elsewhere) {
		c.Closed(conn, nil)
	}
	if got, want := c.Stats(), (Stats{Published: 3, Delivered: 1997, Ignored: 1}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

// Everybody gets what several publish at once in the same order, whatever loop
// sends it and however often it stops for others.
func TestOrder(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	loop := newHome(t)
	var all []*fakeConn
	for i := range 3*stride + 1 {
		all = append(all, subscribe(c, "news", []engine.Home{nil, loop, loop}[i%3]))
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for k := range 5 {
				if _, err := c.Publish(t.Context(), "news", engine.OpText, fmt.Append(nil, i, k)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() { // others come and go
		for range 200 {
			c.Closed(subscribe(c, "news", loop), nil)
		}
	})
	wg.Wait()
	first := all[0].sent()
	for i, conn := range all {
		if got := conn.sent(); len(got) != 20 || !slices.Equal(got, first) {
			t.Fatalf("subscriber %d got %q, the first %q", i, got, first)
		}
	}
}

func TestPublishToLoopThatEnds(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	subscribe(c, "news", new(endedHome))
	if n := publish(t, c, "news", "hello"); n != 0 {
		t.Errorf("%d receivers", n)
	}
	lost := make(chan func(), 1)
	subscribe(c, "news", &fakeHome{lost}) // takes the job and never runs it
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Publish(ctx, "news", engine.OpText, []byte("hello")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	(<-lost)() // for the goroutine that waits
}

// Each connection is pinged at the same distances from its opening.
func TestPings(t *testing.T) {
	t.Parallel()
	for _, interval := range []time.Duration{5 * time.Minute, time.Second, 12 * time.Millisecond} {
		t.Run(interval.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := New(Config{Ping: interval})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { c.Run(ctx); close(done) }()
				loop := newHome(t)
				var all []*fakeConn
				var opened []time.Time
				for i := range 3 * stride {
					all = append(all, subscribe(c, fmt.Sprint(i), []engine.Home{nil, loop}[i%2]))
					opened = append(opened, time.Now())
					time.Sleep(interval / 600)
				}
				gone := subscribe(c, "gone", loop)
				c.Closed(gone, nil)
				time.Sleep(time.Until(opened[0].Add(3*interval + interval/2)))
				synctest.Wait()
				slot := max(interval/maxSlots, resolution)
				if n := len(all[0].sent()); n < 2 || n > 3 {
					t.Errorf("the first got %d pings in three and a half intervals", n)
				}
				for i, conn := range all {
					for k, at := range conn.at {
						want := opened[i].Add(interval * time.Duration(k+1))
						if late := at.Sub(want); late < -slot || late > slot*time.Duration(k+1) {
							t.Fatalf("subscriber %d: ping %d is %v late", i, k, late)
						}
						if conn.got[k] != "" {
							t.Fatalf("subscriber %d: ping %q", i, conn.got[k])
						}
					}
				}
				if len(gone.got) > 0 {
					t.Error("one that is gone was pinged")
				}
				cancel()
				<-done
			})
		})
	}
}

// A loop that ends takes its wheel with it, and the others turn on.
func TestPingsWhereALoopEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Ping: time.Second})
		lost, alive := subscribe(c, "a", new(endedHome)), subscribe(c, "b", nil)
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		c.Run(ctx)
		if n := len(c.clock.wheels); n != 1 {
			t.Errorf("%d wheels, want 1", n)
		}
		if n := len(alive.sent()); n != 2 {
			t.Errorf("%d pings, want 2", n)
		}
		c.Closed(lost, nil)
		if got := c.Stats(); got.Pings != 2 || got.Subscribers != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}
