package hub_test

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signalbench/server/engine"
	"signalbench/server/hub"
)

// A fake is a connection that keeps what it is sent. The zero value is open and
// has room for everything.
type fake struct {
	state any
	home  engine.Home
	hub   *hub.Hub

	mu       sync.Mutex
	policies []engine.SlowPolicy // of prepared messages
	got      []string
	arrived  chan struct{} // holds something when got has grown
	full     bool
	closed   *engine.CloseError
}

var _ engine.Conn = (*fake)(nil)

func (f *fake) Send(op engine.Opcode, p []byte) error { return f.take(op, p) }

func (f *fake) SendPrepared(m *engine.Prepared) error {
	f.mu.Lock()
	f.policies = append(f.policies, m.Slow)
	f.mu.Unlock()
	return f.take(m.Op, m.Payload)
}

func (f *fake) take(op engine.Opcode, p []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed != nil:
		return engine.ErrClosed
	case f.full:
		return engine.ErrSlow
	}
	text := string(p)
	if op == engine.OpBinary {
		text = fmt.Sprintf("binary %q", p)
	}
	f.got = append(f.got, text)
	select {
	case f.arrived <- struct{}{}:
	default:
	}
	return nil
}

func (f *fake) Home() engine.Home { return f.home }

func (f *fake) Close(code engine.CloseCode, reason string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = &engine.CloseError{Code: code, Reason: reason}
	return nil
}

func (f *fake) SetState(v any)       { f.state = v }
func (f *fake) State() any           { return f.state }
func (f *fake) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// fill says whether the outbox is full.
func (f *fake) fill(full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = full
}

// send has the hub serve a message.
func (f *fake) send(text string) { f.hub.Message(f, engine.OpText, []byte(text)) }

func (f *fake) sendBinary(p string) { f.hub.Message(f, engine.OpBinary, []byte(p)) }

// taken returns what has arrived since it was last called.
func (f *fake) taken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.got
	f.got = nil
	return got
}

// count is how many messages taken would return.
func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.got)
}

// await returns what has arrived, at least n messages.
func (f *fake) await(t testing.TB, n int) []string {
	t.Helper()
	var all []string
	for end := time.After(patience); ; {
		if all = append(all, f.taken()...); len(all) >= n {
			return all
		}
		select {
		case <-f.arrived:
		case <-end:
			t.Fatalf("%d messages came, want %d: %q", len(all), n, all)
		}
	}
}

// patience bounds every wait of these tests; nothing comes near it.
const patience = 20 * time.Second

// newHub returns a hub that ends with the test.
func newHub(t testing.TB, edit func(*hub.Config)) *hub.Hub {
	t.Helper()
	cfg := hub.DefaultConfig()
	if edit != nil {
		edit(&cfg)
	}
	h, err := hub.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// open opens a connection.
func open(h *hub.Hub, query string, value any, home engine.Home) *fake {
	f := &fake{hub: h, home: home, arrived: make(chan struct{}, 1)}
	h.Open(f, &engine.Request{Path: hub.Path, RawQuery: query, Value: value})
	return f
}

// A loop is a home with a goroutine of its own.
type loop struct {
	jobs  chan func()
	ended atomic.Bool
}

func newLoop(t testing.TB) *loop {
	l := &loop{jobs: make(chan func(), 1024)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for job := range l.jobs {
			job()
		}
	})
	t.Cleanup(func() {
		close(l.jobs)
		wg.Wait()
	})
	return l
}

func (l *loop) Do(job func()) bool {
	if l.ended.Load() {
		return false
	}
	l.jobs <- job
	return true
}
