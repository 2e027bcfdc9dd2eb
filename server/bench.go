package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"signalbench/results"
	"signalbench/server/ladder"
)

// benchCommand times single operations.
type benchCommand struct {
	Upgrade benchUpgradeCommand `cmd:"" help:"Time the opening handshake by itself, without sockets: net/http's, the zero-copy one, and ours."`
}

// benchUpgradeCommand times the handshakes of package ladder.
type benchUpgradeCommand struct {
	Rounds int           `help:"How often each is timed; what is written are medians." default:"9" placeholder:"N"`
	Round  time.Duration `help:"How long it is timed for." default:"100ms" placeholder:"TIME"`
	JSON   bool          `help:"Write JSON."`
}

// Run times and writes.
func (c *benchUpgradeCommand) Run(s *session) error {
	switch {
	case c.Rounds < 1:
		return fmt.Errorf("--rounds %d is below 1", c.Rounds)
	case c.Round <= 0:
		return fmt.Errorf("--round %v is not positive", c.Round)
	}
	list, err := timeHandshakes(s.ctx, ladder.Handshakes(), c.Rounds, c.Round)
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(s.stdout).Encode(list)
	} else {
		t := table.NewWriter()
		t.SetStyle(table.StyleLight)
		t.Style().Options = table.OptionsNoBordersAndSeparators
		t.AppendHeader(table.Row{"operation", "ns/op", "B/op", "allocs/op", "operations"})
		for _, b := range list {
			t.AppendRow(table.Row{b.Name, fmt.Sprintf("%.0f", b.Ns), fmt.Sprintf("%.0f", b.Bytes), fmt.Sprintf("%.0f", b.Allocs), b.N})
		}
		_, err = fmt.Fprintln(s.stdout, t.Render())
	}
	if err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	return nil
}

// timeHandshakes times each handshake in each round, one after the other, so that
// what the machine does meanwhile meets all of them. The figures are medians of the
// rounds, N is of all.
func timeHandshakes(ctx context.Context, list []ladder.Handshake, rounds int, round time.Duration) ([]results.Benchmark, error) {
	timed := make([][]results.Benchmark, len(list))
	for range rounds {
		for i, h := range list {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			b, err := timeHandshake(h, round)
			if err != nil {
				return nil, fmt.Errorf("timing %s: %w", h.Name, err)
			}
			timed[i] = append(timed[i], b)
		}
	}
	medians := make([]results.Benchmark, len(list))
	for i, h := range list {
		m := results.Benchmark{Name: h.Name}
		for _, b := range timed[i] {
			m.N += b.N
		}
		m.Ns = medianOf(timed[i], func(b results.Benchmark) float64 { return b.Ns })
		m.Bytes = medianOf(timed[i], func(b results.Benchmark) float64 { return b.Bytes })
		m.Allocs = medianOf(timed[i], func(b results.Benchmark) float64 { return b.Allocs })
		medians[i] = m
	}
	return medians, nil
}

// batch is how many operations pass between two looks at the clock, which is less
// than a thousandth of them.
const batch = 100

// timeHandshake repeats h for about so long, after a batch that fills its pools.
func timeHandshake(h ladder.Handshake, round time.Duration) (b results.Benchmark, err error) {
	run := func() error {
		for range batch {
			if _, err := h.Do(); err != nil {
				return err
			}
		}
		return nil
	}
	if err := run(); err != nil {
		return b, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for time.Since(start) < round {
		if err := run(); err != nil {
			return b, err
		}
		b.N += batch
	}
	n, took := float64(b.N), time.Since(start)
	runtime.ReadMemStats(&after)
	b.Ns = float64(took) / n
	b.Bytes = float64(after.TotalAlloc-before.TotalAlloc) / n
	b.Allocs = float64(after.Mallocs-before.Mallocs) / n
	return b, nil
}

// medianOf is the median of what f takes of each element, the lower of two.
func medianOf(list []results.Benchmark, f func(results.Benchmark) float64) float64 {
	values := make([]float64, len(list))
	for i, b := range list {
		values[i] = f(b)
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}
