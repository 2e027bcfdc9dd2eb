// Package progress shows how far a comparison is: a bar on a terminal, a line
// per step elsewhere. Both are Reporters of package orchestrate.
//
// The package must not know what a step does.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"signalbench/results"
)

// clock estimates how long the rest will take.
type clock struct {
	now         func() time.Time
	steps, done int
	each        time.Duration // the estimate before the first step ended
	spent       time.Duration // in the steps that ended
	since       time.Time     // when the current step began; zero between steps
}

func (c *clock) begin(steps int, each time.Duration) {
	if c.now == nil {
		c.now = time.Now
	}
	c.steps, c.each = steps, each
}

func (c *clock) step() { c.since = c.now() }

// finish ends the current step and returns how long it took.
func (c *clock) finish() time.Duration {
	took := c.now().Sub(c.since)
	c.done++
	c.spent += took
	c.since = time.Time{}
	return took.Round(100 * time.Millisecond)
}

// left is about how long the steps that are not done will take: as long as
// those that are.
func (c *clock) left() time.Duration {
	mean := c.each
	if c.done > 0 {
		mean = c.spent / time.Duration(c.done)
	}
	rest := mean * time.Duration(c.steps-c.done)
	if !c.since.IsZero() {
		rest -= min(c.now().Sub(c.since), mean)
	}
	return rest.Round(time.Second)
}

// Lines writes a line for each step that ends.
type Lines struct {
	mu  sync.Mutex
	w   io.Writer
	clk clock
	now string // the current step
}

// NewLines returns a reporter that writes to w. Errors of w are ignored: the
// comparison must not end because nobody reads.
func NewLines(w io.Writer) *Lines { return &Lines{w: w} }

// Begin implements orchestrate.Reporter.
func (l *Lines) Begin(steps int, each time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clk.begin(steps, each)
	fmt.Fprintf(l.w, "compare: %d steps, about %v\n", steps, l.clk.left())
}

// Step implements orchestrate.Reporter.
func (l *Lines) Step(n int, arm string, repetition int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clk.step()
	l.now = fmt.Sprintf("step %d/%d %s, repetition %d", n, l.clk.steps, arm, repetition)
}

// Status implements orchestrate.Reporter and writes nothing.
func (l *Lines) Status(string) {}

// Note implements orchestrate.Reporter.
func (l *Lines) Note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, "compare: %s\n", text)
}

// Done implements orchestrate.Reporter.
func (l *Lines) Done(step results.Step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	took := l.clk.finish()
	line := fmt.Sprintf("%s: %s after %v", l.now, step.Verdict, took)
	if l.clk.done < l.clk.steps {
		line += fmt.Sprintf(", about %v to go", l.clk.left())
	}
	fmt.Fprintln(l.w, line)
	if step.Error != "" {
		fmt.Fprintf(l.w, "  %s\n", step.Error)
	}
}

// End implements orchestrate.Reporter.
func (l *Lines) End() {}
