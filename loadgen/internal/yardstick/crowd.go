package yardstick

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A crowd is the connections of a bare fan-out: pairs of threads, one that writes
// and one that reads, each in a descriptor table of its own. It belongs to one
// goroutine.
type crowd struct {
	conns int
	frame []byte
	pairs []*pair
	wrote chan error // a writer is through with a pass, or why not
	came  chan error // a reader has all of a pass, or why not
	stop  atomic.Bool
	wait  sync.WaitGroup
}

// pair is the two threads' part of the connections.
type pair struct {
	*crowd
	listener, port int // closed by whoever opens the crowd
	conns          int
	passes         chan struct{} // closed at the end
	gone           chan struct{} // closed when the reader's sockets are
}

// openCrowd connects conns connections in pairs parts and returns when they are
// there. Whatever becomes of it, close it.
func openCrowd(ctx context.Context, conns, bytes, pairs int) (*crowd, error) {
	c := &crowd{conns: conns, frame: make([]byte, bytes), wrote: make(chan error, 2*pairs), came: make(chan error, 2*pairs)}
	defer func() {
		for _, p := range c.pairs {
			_ = unix.Close(p.listener) // its thread has one of its own
		}
	}()
	for i := range pairs {
		l, port, err := Listen()
		if err != nil {
			return c, err
		}
		c.pairs = append(c.pairs, &pair{
			crowd: c, listener: l, port: port, conns: conns*(i+1)/pairs - conns*i/pairs,
			passes: make(chan struct{}), gone: make(chan struct{}),
		})
	}
	// Both halves may be blocked in a system call; see round.
	stop := func() {
		for _, p := range c.pairs {
			_ = unix.Shutdown(p.listener, unix.SHUT_RDWR)
		}
	}
	unwatch := context.AfterFunc(ctx, stop)
	defer unwatch()
	// Go's runtime opens descriptors of its own with the first timer, and uses them
	// from any thread: they must be in every table.
	time.AfterFunc(time.Hour, func() {}).Stop()
	for _, p := range c.pairs {
		c.wait.Go(func() {
			if err := alone(p.write); err != nil {
				c.wrote <- err
			}
		})
		c.wait.Go(func() {
			defer close(p.gone)
			if err := alone(p.read); err != nil {
				c.came <- err
			}
		})
	}
	// Each thread tells once that its half of the connections is there.
	var first error
	for range 2 * pairs {
		var err error
		select {
		case err = <-c.wrote:
		case err = <-c.came:
		}
		if err != nil && first == nil {
			first = err
			stop()
		}
	}
	return c, errors.Join(first, ctx.Err())
}

// close ends all connections with a reset, and the threads.
func (c *crowd) close() {
	c.stop.Store(true)
	for _, p := range c.pairs {
		close(p.passes)
	}
	c.wait.Wait()
}

// pass sends a frame to each connection, width pairs at once, and returns when
// every reader has all of its own.
func (c *crowd) pass(ctx context.Context, width int) error {
	writing, reading := 0, 0
	for begun := 0; begun < len(c.pairs) || writing > 0 || reading > 0; {
		for begun < len(c.pairs) && writing < width {
			c.pairs[begun].passes <- struct{}{}
			begun, writing, reading = begun+1, writing+1, reading+1
		}
		var err error
		select {
		case err = <-c.wrote:
			writing--
		case err = <-c.came:
			reading--
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// round makes passes for least or a little longer and returns the frames that came
// in a second.
func (c *crowd) round(ctx context.Context, width int, least time.Duration) (float64, error) {
	begun := Monotonic()
	for passes := 1; ; passes++ {
		if err := c.pass(ctx, width); err != nil {
			return 0, fmt.Errorf("writing to %d connections: %w", c.conns, err)
		}
		if took := Monotonic() - begun; took >= least {
			return float64(passes*c.conns) / took.Seconds(), nil
		}
	}
}
