package yardstick

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"signalbench/results"
)

// FanoutRounds is how many rounds one [Fanout.Measure] makes of each way.
const FanoutRounds = 3

const (
	// fanoutLongest bounds one Measure.
	fanoutLongest = time.Minute
	shortestRound = 400 * time.Millisecond
)

// A Fanout measures bare fan-out: a loop of write(2) of a frame over connections of
// loopback, and a bare epoll reader at their other ends. One frame for each
// connection is on its way at a time.
//
// Each end is threads with descriptor tables of their own, so that there can be
// more connections than one table holds. How many threads write at once makes a
// difference that depends on the machine, so two ways are measured: one table
// after the other, and all at once. The faster one is the yardstick.
type Fanout struct {
	Conns int
	Bytes int // of a frame
	// Round is how long a round lasts at least; 0 stands for 400 ms, long enough for
	// the slices of time that the kernel gives to threads to even out.
	Round time.Duration
	ways  [2][]float64
}

// Measure opens the connections, measures some rounds of each way, which join those
// of earlier calls, and ends the connections with a reset, so that none is left in
// TIME_WAIT. limit is how many descriptors a table may have. It takes a minute at
// most, and ends early when ctx is done.
func (f *Fanout) Measure(ctx context.Context, limit int) (err error) {
	ctx, cancel := context.WithTimeout(ctx, fanoutLongest)
	defer cancel()
	if f.Conns < 1 || f.Bytes < 1 {
		return fmt.Errorf("cannot write %d B to %d connections", f.Bytes, f.Conns)
	}
	pairs, err := f.pairs(limit)
	if err != nil {
		return err
	}
	// A thread that returns from a system call finds a processor of Go's.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), 2*pairs+2)))
	c, err := openCrowd(ctx, f.Conns, f.Bytes, pairs)
	defer c.close()
	if err != nil {
		return fmt.Errorf("opening %d connections: %w", f.Conns, err)
	}
	widths := []int{1, pairs}[:min(2, pairs)]
	for _, width := range widths { // what is touched for the first time
		err = errors.Join(err, c.pass(ctx, width))
	}
	for range FanoutRounds {
		for i, width := range widths {
			if err != nil {
				return err
			}
			var rate float64
			if rate, err = c.round(ctx, width, cmp.Or(f.Round, shortestRound)); err == nil {
				f.ways[i] = append(f.ways[i], rate)
			}
		}
	}
	return err
}

// pairs is how many pairs of threads the connections take: one for each processor,
// and more where descriptor tables are too small.
func (f *Fanout) pairs(limit int) (int, error) {
	room := limit - spare
	if room < 1 {
		return 0, fmt.Errorf("a limit of %d descriptors is too low for any connection", limit)
	}
	return max((f.Conns+room-1)/room, min(runtime.NumCPU(), f.Conns)), nil
}

// Result is what was measured so far, nil if nothing was.
func (f *Fanout) Result() *results.BareFanout {
	b := &results.BareFanout{Conns: f.Conns, Bytes: f.Bytes}
	for _, rounds := range f.ways {
		if len(rounds) == 0 {
			continue
		}
		if m := median(rounds); m > b.PerSecond {
			b.PerSecond, b.Rounds = m, slices.Clone(rounds)
		}
	}
	if b.Rounds == nil {
		return nil
	}
	return b
}

// median is the middle one, or the mean of the two in the middle.
func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
