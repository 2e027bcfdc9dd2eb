package conns_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/upgrade"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config() *engine.Config {
	cfg := engine.DefaultConfig()
	return &cfg
}

func local(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func dial(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// pair returns an accepted connection of the set and its client.
func pair(t *testing.T, s *conns.Set, l net.Listener) (*conns.Conn, net.Conn) {
	t.Helper()
	client := dial(t, l)
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return nc.(*conns.Conn), client
}

// goodbye is an owner that counts, and closes as an engine would.
type goodbye struct {
	drained atomic.Int32
	do      func()
}

func (g *goodbye) Drain() {
	g.drained.Add(1)
	if g.do != nil {
		g.do()
	}
}

// flaky is a listener that fails with the errors before it accepts.
type flaky struct {
	net.Listener
	mu     sync.Mutex
	errs   []error
	failed []time.Time
}

func (f *flaky) Accept() (net.Conn, error) {
	f.mu.Lock()
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		f.failed = append(f.failed, time.Now())
		f.mu.Unlock()
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", err)}
	}
	f.mu.Unlock()
	return f.Listener.Accept()
}

func TestAcceptWaitsOutALackOfDescriptors(t *testing.T) {
	t.Parallel()
	cfg := config()
	f := &flaky{Listener: local(t), errs: []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}}
	l := conns.NewSet(cfg).Listener(f)
	client := dial(t, f)
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.(*conns.Conn).Leave()
	defer nc.Close()
	if nc.RemoteAddr().String() != client.LocalAddr().String() {
		t.Errorf("accepted %v, want %v", nc.RemoteAddr(), client.LocalAddr())
	}
	if n := cfg.Stats.AcceptErrors.Load(); n != 4 {
		t.Errorf("%d accept errors counted, want 4", n)
	}
	for i := 1; i < len(f.failed); i++ {
		if pause, least := f.failed[i].Sub(f.failed[i-1]), 5*time.Millisecond<<(i-1); pause < least {
			t.Errorf("pause %d was %v, want at least %v", i, pause, least)
		}
	}
}

func TestClosedListenerEndsThePause(t *testing.T) {
	t.Parallel()
	f := &flaky{Listener: local(t)}
	for range 100 { // pauses of more than a minute
		f.errs = append(f.errs, syscall.EMFILE)
	}
	cfg := config()
	l := conns.NewSet(cfg).Listener(f)
	done := make(chan error)
	go func() {
		_, err := l.Accept()
		done <- err
	}()
	for cfg.Stats.AcceptErrors.Load() == 0 {
		runtime.Gosched()
	}
	l.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestErrorOfTheListenerIsFinal(t *testing.T) {
	t.Parallel()
	cfg := config()
	f := &flaky{Listener: local(t), errs: []error{syscall.EBADF}}
	err := conns.NewSet(cfg).Serve(t.Context(), []net.Listener{f, local(t)}, func(l net.Listener) error {
		_, err := l.Accept()
		return err
	})
	if !errors.Is(err, syscall.EBADF) {
		t.Errorf("Serve returned %v", err)
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.MaxConns = 2
	set := conns.NewSet(cfg)
	l := set.Listener(local(t))
	var within []*conns.Conn
	for range 2 {
		c, _ := pair(t, set, l)
		if c.Surplus() {
			t.Fatal("surplus below the limit")
		}
		within = append(within, c)
	}
	// The next ones are let in to be told why not.
	var surplus []*conns.Conn
	for range 64 {
		c, _ := pair(t, set, l)
		if !c.Surplus() {
			t.Fatal("not surplus over the limit")
		}
		surplus = append(surplus, c)
	}
	// One more is closed unheard, so Accept goes on to wait.
	unheard := dial(t, l)
	accepted := make(chan *conns.Conn)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- nc.(*conns.Conn)
	}()
	if _, err := unheard.Read(make([]byte, 1)); err == nil {
		t.Error("read something")
	}
	if n := cfg.Stats.Refused.Load(); n != 1 {
		t.Errorf("refused %d, want 1", n)
	}
	end := func(c *conns.Conn) {
		c.Close()
		c.Leave()
	}
	for _, c := range surplus {
		c.Refused(conns.OverLimit)
		end(c)
	}
	end(within[0])
	dial(t, l)
	c := <-accepted
	if c.Surplus() {
		t.Error("surplus though one has left")
	}
	end(c)
	end(within[1])
	s := cfg.Stats
	if a, f, r := s.Accepted.Load(), s.Failed.Load(), s.Refused.Load(); a != 68 || f != 3 || r != 65 {
		t.Errorf("accepted %d, failed %d, refused %d; want 68, 3, 65", a, f, r)
	}
}

func TestHandshakeHasOneDeadline(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.HandshakeTimeout = 50 * time.Millisecond
	set := conns.NewSet(cfg)
	c, client := pair(t, set, set.Listener(local(t)))
	defer c.Leave()
	defer c.Close()
	// What net/http does between two steps does not extend it.
	for _, later := range []time.Time{{}, time.Now().Add(time.Hour)} {
		if err := c.SetDeadline(later); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Write([]byte("G")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if n, err := c.Read(buf); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Error(err)
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	const silence = 160 * time.Millisecond
	cfg := config()
	cfg.ReadTimeout = silence
	set := conns.NewSet(cfg)
	c, client := pair(t, set, set.Listener(local(t)))
	defer c.Leave()
	defer c.Close()
	c.Upgraded(&goodbye{})
	// Messages put it off ...
	buf := make([]byte, 1)
	var last time.Time
	for start := time.Now(); time.Since(start) < 2*silence; {
		if _, err := client.Write(buf); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(buf); err != nil {
			t.Fatalf("while there were messages: %v", err)
		}
		last = time.Now()
		c.Touch()
	}
	// ... bytes do not.
	for {
		_, _ = client.Write(buf)
		if _, err := c.Read(buf); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			break
		}
	}
	if d := time.Since(last); d < silence {
		t.Errorf("%v after the last message, which is early", d)
	}
}

func TestSilenceForEver(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.ReadTimeout = 0
	cfg.HandshakeTimeout = 20 * time.Millisecond
	set := conns.NewSet(cfg)
	c, client := pair(t, set, set.Listener(local(t)))
	defer c.Leave()
	defer c.Close()
	c.Upgraded(&goodbye{})
	time.AfterFunc(3*cfg.HandshakeTimeout, func() { client.Write([]byte("x")) })
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Errorf("the deadline of the handshake is still there: %v", err)
	}
}

func TestClosingHandshakeHasTheLastDeadline(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.WriteTimeout = 50 * time.Millisecond
	set := conns.NewSet(cfg)
	c, _ := pair(t, set, set.Listener(local(t)))
	defer c.Leave()
	defer c.Close()
	c.Upgraded(&goodbye{})
	c.StartClosing()
	c.Touch()
	if !c.Closing() {
		t.Error("not closing")
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestCounting(t *testing.T) {
	t.Parallel()
	cfg := config()
	set := conns.NewSet(cfg)
	l := set.Listener(local(t))
	silent, _ := pair(t, set, l)
	bad, _ := pair(t, set, l)
	refused, _ := pair(t, set, l)
	good, _ := pair(t, set, l)
	bad.Refused(&upgrade.BadRequest{Status: 400, Reason: "bad"})
	refused.Refused(&engine.Refusal{Status: 404, Reason: "no"})
	good.Upgraded(&goodbye{})
	s := cfg.Stats
	if u, o, c := s.Upgraded.Load(), s.Open.Load(), s.Closed.Load(); u != 1 || o != 1 || c != 0 {
		t.Errorf("upgraded %d, open %d, closed %d", u, o, c)
	}
	for _, c := range []*conns.Conn{silent, bad, refused, good} {
		c.Close()
		c.Leave()
	}
	if a, f, r := s.Accepted.Load(), s.Failed.Load(), s.Refused.Load(); a != 4 || f != 2 || r != 1 {
		t.Errorf("accepted %d, failed %d, refused %d; want 4, 2, 1", a, f, r)
	}
	if u, o, c := s.Upgraded.Load(), s.Open.Load(), s.Closed.Load(); u != 1 || o != 0 || c != 1 {
		t.Errorf("upgraded %d, open %d, closed %d", u, o, c)
	}
}

// served runs Serve with a set that hands its connections over.
func served(t *testing.T, cfg *engine.Config) (set *conns.Set, accept func() (*conns.Conn, net.Conn), stop func() error) {
	t.Helper()
	set = conns.NewSet(cfg)
	inner := local(t)
	ctx, cancel := context.WithCancel(context.Background())
	accepted := make(chan *conns.Conn)
	done := make(chan error, 1)
	go func() {
		done <- set.Serve(ctx, []net.Listener{inner}, func(l net.Listener) error {
			for {
				nc, err := l.Accept()
				if err != nil {
					return err
				}
				accepted <- nc.(*conns.Conn)
			}
		})
	}()
	accept = func() (*conns.Conn, net.Conn) {
		client := dial(t, inner)
		return <-accepted, client
	}
	return set, accept, func() error {
		cancel()
		return <-done
	}
}

func TestDrainEndsEverybody(t *testing.T) {
	t.Parallel()
	_, accept, stop := served(t, config())
	upgraded, client := accept()
	opening, _ := accept()
	o := &goodbye{}
	o.do = func() {
		upgraded.Write([]byte("bye"))
		upgraded.Close()
	}
	upgraded.Upgraded(o)
	var wg sync.WaitGroup
	for _, c := range []*conns.Conn{upgraded, opening} {
		wg.Go(func() {
			c.Read(make([]byte, 1)) // until the drain ends it
			c.Close()
			c.Leave()
		})
	}
	if err := stop(); err != nil {
		t.Errorf("Serve returned %v", err)
	}
	wg.Wait()
	if got, err := io.ReadAll(client); string(got) != "bye" || err != nil {
		t.Errorf("the client read %q, %v", got, err)
	}
	if n := o.drained.Load(); n != 1 {
		t.Errorf("asked to say goodbye %d times", n)
	}
}

func TestDrainCutsWhoDoesNotLeave(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.DrainTimeout = 30 * time.Millisecond
	_, accept, stop := served(t, cfg)
	c, _ := accept()
	c.Upgraded(&goodbye{})
	go func() {
		c.Read(make([]byte, 1))
		c.Close()
		c.Leave()
	}()
	if err := stop(); !errors.Is(err, engine.ErrDrainDeadline) {
		t.Errorf("Serve returned %v", err)
	}
}

// A peer that has seen the 101 is promised a goodbye, also if the drain begins
// between the two.
func TestDrainBetweenTheAnswerAndTheOwner(t *testing.T) {
	t.Parallel()
	_, accept, stop := served(t, config())
	promised, _ := accept()
	late, lateClient := accept()
	if err := promised.Upgrading(); err != nil {
		t.Fatal(err)
	}
	drained := make(chan error)
	go func() { drained <- stop() }()
	if _, err := lateClient.Read(make([]byte, 1)); err != io.EOF { // the drain has begun
		t.Fatal(err)
	}
	if err := late.Upgrading(); err == nil {
		t.Error("a handshake may still succeed")
	}
	o := &goodbye{}
	promised.Upgraded(o)
	if n := o.drained.Load(); n != 1 {
		t.Errorf("asked to say goodbye %d times", n)
	}
	if _, err := promised.Write([]byte("x")); err != nil {
		t.Errorf("the connection was closed before it could say goodbye: %v", err)
	}
	for _, c := range []*conns.Conn{promised, late} {
		c.Close()
		c.Leave()
	}
	if err := <-drained; err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

// An engine without a read under way learns from the set whose time is up.
func TestOverdue(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.HandshakeTimeout = 20 * time.Millisecond
	cfg.ReadTimeout = 0
	set := conns.NewSet(cfg)
	l := set.Listener(local(t))
	late, _ := pair(t, set, l)
	defer late.Leave()
	defer late.Close()
	open, _ := pair(t, set, l)
	defer open.Leave()
	defer open.Close()
	open.Upgraded(&goodbye{})
	// The deadline of a read is the same, so when that ends, both are over.
	if _, err := late.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if list := set.Overdue(nil); len(list) != 1 || list[0] != late || !late.Overdue() || open.Overdue() {
		t.Errorf("overdue: %v, want only the one whose handshake took too long", list)
	}
}
