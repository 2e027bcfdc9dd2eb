package rawtcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// goroutineBuffer is what each goroutine reads into.
const goroutineBuffer = 4 << 10

// goroutines is a server with a goroutine for each connection.
type goroutines struct {
	cfg *Config
	all sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil once the server has ended
}

func serveGoroutines(ctx context.Context, l net.Listener, cfg *Config) error {
	s := &goroutines{cfg: cfg, conns: make(map[net.Conn]struct{})}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		_ = l.Close()
		s.close()
	})
	err := s.accept(ctx, l)
	if stop() { // it ended by itself
		err = errors.Join(err, l.Close())
		s.close()
	} else {
		<-ended
	}
	s.all.Wait()
	return err
}

// accept accepts until ctx is done or the listener fails.
func (s *goroutines) accept(ctx context.Context, l net.Listener) error {
	var p pause
	for {
		c, err := l.Accept()
		var errno syscall.Errno
		switch {
		case err == nil:
			p.over()
			s.admit(c)
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &errno) && scarce(errno):
			select {
			case <-ctx.Done():
			case <-time.After(p.next(s.cfg, errno)):
			}
		case errors.Is(err, syscall.ECONNABORTED):
		default:
			return fmt.Errorf("accepting: %w", err)
		}
	}
}

func (s *goroutines) admit(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		_ = c.Close()
		return
	}
	s.conns[c] = struct{}{}
	opened(s.cfg.Stats)
	s.all.Go(func() { s.echo(c) })
}

// echo reads and writes by turns: a peer that does not read is not read from.
func (s *goroutines) echo(c net.Conn) {
	defer s.end(c)
	buf := make([]byte, goroutineBuffer)
	for {
		n, err := c.Read(buf)
		if n > 0 {
			if _, err := c.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (s *goroutines) end(c net.Conn) {
	_ = c.Close()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	closed(s.cfg.Stats)
}

// close ends all connections; their goroutines notice.
func (s *goroutines) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
}
