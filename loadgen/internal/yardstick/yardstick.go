package yardstick

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"signalbench/results"
)

const (
	// Rounds is how often the connections are opened.
	Rounds = 3
	// Conns is how many connections a round opens where the limit of descriptors
	// allows it.
	Conns = 20 * Burst
	// spare is how many descriptors of a table are not for connections.
	spare = 64
	// longest bounds all rounds together.
	longest = 10 * time.Second
)

// roundOf is how many connections a round opens under a limit of descriptors
// for each table, 0 if the limit is too low for any.
func roundOf(limit int) int { return max(0, min(Conns, (limit-spare)/Burst*Burst)) }

// Measure opens connections over loopback in several rounds and gives the median
// of their rates. Both ends are threads of this process with descriptor tables of
// their own, which end with it. Every connection ends with a reset, so that none
// is left in TIME_WAIT. limit is how many descriptors a table may have. It takes
// 10 s at most, and ends early when ctx is done.
func Measure(ctx context.Context, limit int) (*results.Yardstick, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	y := &results.Yardstick{Conns: roundOf(limit)}
	if y.Conns == 0 {
		return nil, fmt.Errorf("a limit of %d descriptors is too low for %d connections", limit, Burst)
	}
	for range Rounds {
		l, port, err := Listen()
		if err != nil {
			return nil, err
		}
		took, err := round(ctx, l, port, y.Conns)
		if err != nil {
			return nil, err
		}
		y.Rounds = append(y.Rounds, float64(y.Conns)/took.Seconds())
	}
	y.Connects = slices.Sorted(slices.Values(y.Rounds))[Rounds/2]
	return y, nil
}

// round opens conns connections to listener l once and returns how long that
// took. It closes l.
func round(ctx context.Context, l, port, conns int) (took time.Duration, err error) {
	defer unix.Close(l)
	// Both halves may be blocked in a system call. A listener that was shut down
	// refuses, accepts nothing, and resets what waits (shutdown(2) on Linux).
	stop := func() { _ = unix.Shutdown(l, unix.SHUT_RDWR) }
	defer context.AfterFunc(ctx, stop)()
	var both sync.WaitGroup
	var serverErr, clientErr error
	done := make(chan struct{}) // the client's half
	both.Go(func() {
		var fds []int
		serverErr = alone(func() (err error) { fds, err = Accepts(l, conns); return err })
		if serverErr != nil {
			stop()
		}
		<-done
		closeAll(fds)
	})
	both.Go(func() {
		defer close(done)
		var fds []int
		clientErr = alone(func() (err error) { fds, took, err = Opens(port, conns); return err })
		if clientErr != nil {
			stop()
		}
		closeAll(fds)
	})
	both.Wait()
	if ctx.Err() != nil {
		return 0, fmt.Errorf("connecting and accepting: %w", ctx.Err())
	}
	if err := errors.Join(clientErr, serverErr); err != nil {
		return 0, err
	}
	return took, nil
}

// alone runs half on a thread with a descriptor table of its own (unshare(2),
// CLONE_FILES), so that a descriptor is found without a lock. The goroutine is
// locked to the thread for good, and both end together; the main thread would not
// end, so it is left alone.
func alone(half func() error) error {
	for runtime.LockOSThread(); unix.Gettid() == os.Getpid(); runtime.LockOSThread() {
		runtime.UnlockOSThread()
		time.Sleep(time.Millisecond) // goes on where there is room
	}
	if err := unix.Unshare(unix.CLONE_FILES); err != nil {
		return fmt.Errorf("leaving the descriptor table that all threads share: %w", err)
	}
	return half()
}
