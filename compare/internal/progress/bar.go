package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"signalbench/results"
)

// Bar draws one bar on a terminal, with the current step below it and the
// steps that failed above it.
type Bar struct {
	w io.Writer

	mu       sync.Mutex // guards what follows; the bar draws from its own goroutine
	clk      clock
	now      string
	status   string
	progress *mpb.Progress
	bar      *mpb.Bar
}

// NewBar returns a reporter that draws on the terminal behind w.
func NewBar(w io.Writer) *Bar { return &Bar{w: w} }

// Begin implements orchestrate.Reporter.
func (b *Bar) Begin(steps int, each time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clk.begin(steps, each)
	b.progress = mpb.New(mpb.WithOutput(b.w), mpb.WithWidth(72), mpb.WithRefreshRate(500*time.Millisecond), mpb.WithAutoRefresh())
	b.bar = b.progress.AddBar(int64(steps),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.head() })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return b.eta() })),
		mpb.BarExtender(mpb.BarFillerFunc(func(w io.Writer, _ decor.Statistics) error {
			_, err := fmt.Fprintln(w, b.below())
			return err
		}), false),
		mpb.BarRemoveOnComplete(),
	)
}

func (b *Bar) head() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprintf("step %d/%d ", min(b.clk.done+1, b.clk.steps), b.clk.steps)
}

func (b *Bar) eta() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprintf(" about %v to go", b.clk.left())
}

// below is the line under the bar, cut to a narrow terminal's width.
func (b *Bar) below() string {
	const width = 78
	b.mu.Lock()
	defer b.mu.Unlock()
	line := []rune(b.now + ": " + b.status)
	return string(line[:min(len(line), width)])
}

// Step implements orchestrate.Reporter.
func (b *Bar) Step(_ int, arm string, repetition int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clk.step()
	b.now, b.status = fmt.Sprintf("%s, repetition %d", arm, repetition), "starting"
}

// Status implements orchestrate.Reporter.
func (b *Bar) Status(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = text
}

// Note implements orchestrate.Reporter.
func (b *Bar) Note(text string) { b.print("compare: " + text) }

// Done implements orchestrate.Reporter.
func (b *Bar) Done(step results.Step) {
	b.mu.Lock()
	took := b.clk.finish()
	line := fmt.Sprintf("%s: %s after %v", b.now, step.Verdict, took)
	b.mu.Unlock()
	if step.Error != "" {
		line += "\n  " + step.Error
	}
	b.print(line)
	b.bar.Increment()
}

// print writes above the bar, or plainly before there is one.
func (b *Bar) print(line string) {
	if b.progress == nil {
		fmt.Fprintln(b.w, line)
		return
	}
	fmt.Fprintln(b.progress, line)
}

// End implements orchestrate.Reporter.
func (b *Bar) End() {
	if b.progress == nil {
		return
	}
	b.bar.Abort(true) // does nothing once complete
	b.progress.Wait()
}
