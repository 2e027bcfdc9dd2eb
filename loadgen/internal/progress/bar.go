package progress

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"signalbench/loadgen/internal/trial"
)

// bar shows how many connections are open, and the rest as text.
type bar struct {
	progress *mpb.Progress
	bar      *mpb.Bar
	w        io.Writer
	last     atomic.Pointer[trial.Snapshot] // mpb renders in a goroutine of its own
}

func newBar(w io.Writer) *bar {
	return &bar{w: w, progress: mpb.New(mpb.WithOutput(w), mpb.WithWidth(24), mpb.WithAutoRefresh(), mpb.WithRefreshRate(500*time.Millisecond))}
}

// Tick implements [trial.Observer].
func (b *bar) Tick(s trial.Snapshot) {
	b.last.Store(&s)
	if b.bar == nil {
		b.bar = b.progress.AddBar(int64(s.Conns),
			mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
				s := b.last.Load()
				return fmt.Sprintf("%4.0fs %-20s", s.Elapsed.Seconds(), s.Phase)
			})),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
				s := b.last.Load()
				return fmt.Sprintf("%d of %d", s.Connected, s.Conns)
			})),
			mpb.BarExtender(mpb.BarFillerFunc(func(w io.Writer, _ decor.Statistics) error {
				s := b.last.Load()
				_, err := fmt.Fprintf(w, "      connected=%d pending=%d failed=%d%s\n", s.Connected, s.Pending, s.Failed, rates(*s))
				return err
			}), false),
		)
		b.bar.SetTotal(int64(s.Conns)+1, false) // never complete: Close ends it
	}
	b.bar.SetCurrent(int64(s.Connected))
	if s.Remark != "" {
		fmt.Fprintln(b.progress, s.Remark) // above the bar
	}
}

// Close implements [Display].
func (b *bar) Close() {
	if b.bar != nil {
		b.bar.Abort(false)
	}
	b.progress.Wait()
}
