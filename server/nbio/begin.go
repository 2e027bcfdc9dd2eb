package nbio

import (
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/lesismal/nbio"
	"golang.org/x/sys/unix"
)

// lightBeacons returns a beacon on each of n event loops, once all of them have begun.
// One that is stopped before forgets it when it begins, and then spins for ever. A byte
// through each of them is the only sign that the library gives.
func lightBeacons(loops *nbio.Engine, n int) (lit []*beacon, err error) {
	lit = make([]*beacon, n)
	defer func() {
		if err != nil {
			putOut(lit)
		}
	}()
	for left := n; left > 0; {
		b, err := newBeacon()
		if err != nil {
			return nil, err
		}
		loop := b.nbc.Hash() % n // as the library divides connections
		if lit[loop] != nil {
			// Held on to, so that the next one has another number.
			defer b.end.Close()
			defer b.nbc.Close()
			continue
		}
		b.nbc.SetSession(b)
		if _, err := loops.AddConn(b.nbc); err != nil {
			_ = b.end.Close()
			return nil, fmt.Errorf("adding a socket of a pair: %w", err)
		}
		lit[loop] = b
		b.pass()
		left--
	}
	return lit, nil
}

// putOut closes beacons. Their loops close the other ends.
func putOut(lit []*beacon) {
	for _, b := range lit {
		if b != nil {
			_ = b.end.Close()
		}
	}
}

// A beacon is a socket of a pair on an event loop. It shows when the loop comes by.
type beacon struct {
	nbc      *nbio.Conn
	end      *os.File
	mu       sync.Mutex // of a pass
	seen     chan struct{}
	goneOnce sync.Once
	gone     chan struct{}
}

func newBeacon() (*beacon, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	own, end := os.NewFile(uintptr(pair[0]), "beacon"), os.NewFile(uintptr(pair[1]), "beacon")
	defer own.Close()
	nc, err := net.FileConn(own)
	if err != nil {
		_ = end.Close()
		return nil, fmt.Errorf("making a connection of a socket: %w", err)
	}
	nbc, err := nbio.NBConn(nc)
	if err != nil {
		_ = nc.Close()
		_ = end.Close()
		return nil, fmt.Errorf("taking a socket of a pair: %w", err)
	}
	return &beacon{nbc: nbc, end: end, seen: make(chan struct{}), gone: make(chan struct{})}, nil
}

// pass returns when the loop has done everything that it had taken from epoll before the
// call, or is stopped: the byte is in none of those events.
func (b *beacon) pass() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.end.Write([]byte{0}); err != nil {
		return // the loop has closed it, or does
	}
	select {
	case <-b.seen:
	case <-b.gone:
	}
}

// UnderlayerConn implements nbhttp.ParserCloser.
func (b *beacon) UnderlayerConn() net.Conn { return b.nbc }

// Parse implements nbhttp.ParserCloser.
func (b *beacon) Parse([]byte) error {
	select {
	case b.seen <- struct{}{}: // whoever wrote the byte waits
	case <-b.gone:
	}
	return nil
}

// CloseAndClean implements nbhttp.ParserCloser.
func (b *beacon) CloseAndClean(error) { b.goneOnce.Do(func() { close(b.gone) }) }
