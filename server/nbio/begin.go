package nbio

import (
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/lesismal/nbio"
	"golang.org/x/sys/unix"
)

// awaitLoops returns when each of n event loops has begun. One that is stopped before
// forgets it when it begins, and then spins for ever. A byte through each of them is
// the only sign that the library gives.
func awaitLoops(loops *nbio.Engine, n int) error {
	begun := make(map[int]bool)
	for len(begun) < n {
		p, end, err := newProbe()
		if err != nil {
			return err
		}
		defer end.Close()
		nbc, err := nbio.NBConn(p.conn)
		if err != nil {
			return fmt.Errorf("taking a socket of a pair: %w", err)
		}
		defer nbc.Close()
		loop := nbc.Hash() % n // as the library divides connections
		if begun[loop] {
			continue // held on to, so that the next one has another number
		}
		nbc.SetSession(p)
		if _, err := loops.AddConn(nbc); err != nil {
			return fmt.Errorf("adding a socket of a pair: %w", err)
		}
		if _, err := end.Write([]byte{0}); err != nil {
			return fmt.Errorf("writing to a socket of a pair: %w", err)
		}
		<-p.begun
		begun[loop] = true
	}
	return nil
}

// A probe is a connection that is there to receive a byte.
type probe struct {
	conn  net.Conn
	once  sync.Once
	begun chan struct{}
}

func newProbe() (p *probe, end *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	own := os.NewFile(uintptr(pair[0]), "probe")
	defer own.Close()
	end = os.NewFile(uintptr(pair[1]), "probe")
	nc, err := net.FileConn(own)
	if err != nil {
		_ = end.Close()
		return nil, nil, fmt.Errorf("making a connection of a socket: %w", err)
	}
	return &probe{conn: nc, begun: make(chan struct{})}, end, nil
}

// UnderlayerConn implements nbhttp.ParserCloser.
func (p *probe) UnderlayerConn() net.Conn { return p.conn }

// Parse implements nbhttp.ParserCloser.
func (p *probe) Parse([]byte) error {
	p.once.Do(func() { close(p.begun) })
	return nil
}

// CloseAndClean implements nbhttp.ParserCloser.
func (p *probe) CloseAndClean(error) {}
