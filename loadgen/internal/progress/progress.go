// Package progress shows a run that goes on: a live bar on a terminal, one line
// a second anywhere else. It must not know how load is made.
package progress

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"signalbench/loadgen/internal/trial"
)

// A Display is told about a run once a second until it is closed.
type Display interface {
	trial.Observer
	Close()
}

// New returns a bar if w is a terminal, otherwise lines.
func New(w io.Writer) Display {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return newBar(f)
	}
	return lines{w}
}

// lines writes one line for each snapshot.
type lines struct{ w io.Writer }

// Tick implements [trial.Observer].
func (l lines) Tick(s trial.Snapshot) {
	fmt.Fprintf(l.w, "client elapsed=%ds pending=%d connected=%d failed=%d phase=%s%s\n",
		int(s.Elapsed.Round(time.Second)/time.Second), s.Pending, s.Connected, s.Failed, s.Phase, rates(s))
	if s.Latency > 0 {
		fmt.Fprintf(l.w, "latency %.2fms\n", float64(s.Latency)/float64(time.Millisecond))
	}
	if s.Remark != "" {
		fmt.Fprintf(l.w, "client %s\n", s.Remark)
	}
}

// Close implements [Display].
func (lines) Close() {}

// rates tells what moves, and nothing that does not.
func rates(s trial.Snapshot) string {
	text := ""
	if s.Upgraded > 0 {
		text += fmt.Sprintf(" upgraded=%.0f/s", s.Upgraded)
	}
	if s.Sent > 0 || s.Received > 0 {
		text += fmt.Sprintf(" sent=%.0f/s received=%.0f/s", s.Sent, s.Received)
	}
	if s.Asked > 0 {
		text += fmt.Sprintf(" asked=%d answered=%d", s.Asked, s.Answered)
	}
	if s.Metric != "" {
		text += fmt.Sprintf(" %s p50=%v p99=%v", s.Metric, s.P50.Round(time.Microsecond), s.P99.Round(time.Microsecond))
	}
	return text
}
