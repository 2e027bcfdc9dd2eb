package enginetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"signalbench/server/engine"
)

// A stand is an engine serving on a loopback port of its own.
type stand struct {
	target Target // at the first address
	addrs  []net.Addr
	cfg    engine.Config
	cancel context.CancelFunc
	done   chan struct{} // closed when Serve has returned
	err    error         // what Serve returned, once done
}

// A setup is what a stand is built from.
type setup struct {
	handler engine.Handler       // nil means echo
	config  func(*engine.Config) // nil means testConfig as it is
	// sendBuffer, if not 0, is SO_SNDBUF of the server's sockets in bytes, so
	// that a test knows what the kernel holds.
	sendBuffer int
	listeners  int // 0 means one
}

// testConfig has limits small enough to be reached and timeouts too long to
// fire by accident.
func testConfig() engine.Config {
	cfg := engine.DefaultConfig()
	cfg.MaxMessage = 70_000
	cfg.Outbox = 64 << 10
	cfg.DrainTimeout = patience
	cfg.ReadTimeout = time.Minute
	return cfg
}

// hasty shortens the timeouts, so that a test can sit them out.
func hasty(cfg *engine.Config) {
	cfg.HandshakeTimeout = 400 * time.Millisecond
	cfg.ReadTimeout = 400 * time.Millisecond
	cfg.WriteTimeout = 500 * time.Millisecond
}

// errUnservable wraps the error of an engine's constructor: it cannot serve
// this Config.
var errUnservable = errors.New("the engine refuses the config")

// start serves until stop is called.
func start(e engine.Entry, s setup) (*stand, error) {
	cfg := testConfig()
	if s.config != nil {
		s.config(&cfg)
	}
	if s.handler == nil {
		s.handler = echo{}
	}
	eng, err := e.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnservable, err)
	}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		if s.sendBuffer == 0 {
			return nil
		}
		return setBuffer(c, syscall.SO_SNDBUF, s.sendBuffer)
	}}
	var listeners []net.Listener
	for range max(1, s.listeners) {
		l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
			return nil, err
		}
		listeners = append(listeners, l)
	}
	ctx, cancel := context.WithCancel(context.Background())
	st := &stand{cfg: cfg, cancel: cancel, done: make(chan struct{})}
	for _, l := range listeners {
		st.addrs = append(st.addrs, l.Addr())
	}
	st.target = st.at(st.addrs[0])
	go func() {
		defer close(st.done)
		st.err = eng.Serve(ctx, listeners, s.handler)
	}()
	return st, nil
}

// at is the target at one of the stand's addresses.
func (s *stand) at(a net.Addr) Target {
	scheme := "ws"
	t := Target{
		MaxMessage:       s.cfg.MaxMessage,
		ReadTimeout:      s.cfg.ReadTimeout,
		HandshakeTimeout: s.cfg.HandshakeTimeout,
		WriteTimeout:     s.cfg.WriteTimeout,
		Outbox:           s.cfg.Outbox,
		KeepsSlow:        s.cfg.Slow == engine.SlowDrop,
		ChecksOrigin:     true,
		Probe:            s.probe,
	}
	if s.cfg.TLS != nil {
		scheme = "wss"
		t.TLS = trusting(s.cfg.TLS)
	}
	t.URL = scheme + "://" + a.String() + "/echo"
	return t
}

// stop ends Serve and returns what it returned.
func (s *stand) stop() error {
	s.cancel()
	select {
	case <-s.done:
		return s.err
	case <-time.After(s.cfg.DrainTimeout + s.cfg.WriteTimeout + patience):
		return fmt.Errorf("expected Serve to return within the drain timeout of %v, got nothing", s.cfg.DrainTimeout)
	}
}

// probe reads what this process holds, the kit's clients included: they are gone
// when a case compares.
func (s *stand) probe() (Baseline, error) {
	n, err := descriptors()
	return Baseline{Descriptors: n, Goroutines: runtime.NumGoroutine(), Open: int(s.cfg.Stats.Open.Load())}, err
}

// descriptors counts the open descriptors of this process: since Linux 6.2 they
// are the size of /proc/self/fd, which need not be walked.
func descriptors() (int, error) {
	info, err := os.Stat("/proc/self/fd")
	if err != nil {
		return 0, fmt.Errorf("counting descriptors: %w", err)
	}
	return int(info.Size()), nil
}

// An EntryCase is what only the engine itself can show, not a URL.
type EntryCase struct {
	Name, Section, Doc string // as for a [Case]
	// Run starts the engine as it needs it, and leaves nothing behind.
	Run func(ctx context.Context, e engine.Entry) error
}

// EntryCases returns the cases that need the engine itself, in the order in
// which a report shows them.
func EntryCases() []EntryCase {
	return slices.Concat(
		drainCases(),
		contractCases(),
		fanoutCases(),
		overloadCases(),
	)
}
