package conns

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"signalbench/server/engine"
)

// The pause after an accept that failed for want of descriptors or memory:
// doubled from the first to the longest while it goes on.
const (
	firstPause   = 5 * time.Millisecond
	longestPause = time.Second
)

// temporary reports whether accept(2) may work later without anything being
// done about the listener.
func temporary(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// A listener hands out connections that belong to a Set.
type listener struct {
	net.Listener
	set *Set

	once   sync.Once
	closed chan struct{}
}

// Listener returns l with every accepted connection wrapped into a [*Conn] of
// the set. Its Accept waits out a lack of descriptors or memory and counts it,
// closes what is over the limit, and returns an error only when l is of no more
// use.
func (s *Set) Listener(l net.Listener) net.Listener {
	return &listener{Listener: l, set: s, closed: make(chan struct{})}
}

func (l *listener) Accept() (net.Conn, error) {
	pause := firstPause
	for {
		nc, err := l.Listener.Accept()
		switch {
		case err == nil:
			pause = firstPause
			if c := l.set.admit(nc); c != nil {
				return c, nil
			}
		case temporary(err):
			l.set.cfg.Stats.AcceptErrors.Add(1)
			l.set.cfg.Log.Warn("accept failed, trying again", "err", err, "pause", pause)
			select {
			case <-l.closed:
				return nil, net.ErrClosed
			case <-time.After(pause):
			}
			pause = min(2*pause, longestPause)
		default:
			return nil, err
		}
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// surplusLimit is how many connections over the limit may be in a handshake so
// as to be told 503. The next one is closed unheard.
const surplusLimit = 64

var (
	// OverLimit is how a surplus connection's handshake is refused.
	OverLimit = &engine.Refusal{Status: http.StatusServiceUnavailable, Reason: "too many connections"}

	errDraining = &engine.Refusal{Status: http.StatusServiceUnavailable, Reason: "server is going away"}
)
