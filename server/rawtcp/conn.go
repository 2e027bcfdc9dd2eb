package rawtcp

import (
	"errors"
	"io"
	"sync"

	"golang.org/x/sys/unix"

	"signalbench/server/engine"
)

// errSlow ends a connection that has too much waiting for its peer.
var errSlow = errors.New("the peer does not take what is sent to it")

// A conn is a connection of an event loop. Whoever handles its event owns it.
type conn struct {
	// mu is held by the worker of a pool that owns it: that epoll reports an event once
	// is order enough for the kernel, and none that Go's memory model knows of.
	mu    sync.Mutex
	fd    int
	out   []byte // the outbox: what the peer has not taken; nil while it is empty
	ended bool   // the peer has ended its side
	want  uint32 // what epoll is asked for
}

// serve handles an event, whatever it was: it sends what waits, reads once into buf,
// and sends that back. It returns what to ask epoll for next. After an error the
// connection is over; that is io.EOF if the peer wanted it to be.
func (c *conn) serve(buf []byte, outbox int) (want uint32, err error) {
	if err := c.flush(); err != nil {
		return 0, err
	}
	if !c.ended {
		n, err := unix.Read(c.fd, buf)
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			c.ended = true
		default:
			if err := c.send(buf[:n], outbox); err != nil {
				return 0, err
			}
		}
	}
	if c.ended && c.out == nil {
		return 0, io.EOF
	}
	if !c.ended {
		want |= unix.EPOLLIN
	}
	if c.out != nil {
		want |= unix.EPOLLOUT
	}
	return want, nil
}

// send sends p behind what waits. What the kernel does not take waits as well.
func (c *conn) send(p []byte, outbox int) error {
	if c.out == nil {
		n, err := write(c.fd, p)
		if err != nil {
			return err
		}
		if p = p[n:]; len(p) == 0 {
			return nil
		}
	}
	if len(c.out)+len(p) > outbox {
		return errSlow
	}
	c.out = append(c.out, p...)
	return nil
}

// flush sends what the kernel takes of what waits.
func (c *conn) flush() error {
	if c.out == nil {
		return nil
	}
	n, err := write(c.fd, c.out)
	if err != nil {
		return err
	}
	if c.out = c.out[:copy(c.out, c.out[n:])]; len(c.out) == 0 {
		c.out = nil // an idle connection has no buffer
	}
	return nil
}

// write writes what the kernel takes of p now.
func write(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Write(fd, p)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, nil
		default:
			return 0, err
		}
	}
}

func opened(s *engine.Stats) {
	s.Accepted.Add(1)
	s.Upgraded.Add(1)
	s.Open.Add(1)
}

func closed(s *engine.Stats) {
	s.Open.Add(-1)
	s.Closed.Add(1)
}
