package child

import (
	"bytes"
	"sync"
)

// FirstLine is an io.Writer that hands on the first line written to it and
// discards the rest. The zero value is not usable; see [NewFirstLine].
type FirstLine struct {
	ch   chan []byte
	mu   sync.Mutex
	buf  []byte
	done bool
}

// NewFirstLine returns a writer whose first line arrives on C.
func NewFirstLine() *FirstLine { return &FirstLine{ch: make(chan []byte, 1)} }

// C receives the first line once, without its newline. A line longer than
// 64 KiB is cut there.
func (f *FirstLine) C() <-chan []byte { return f.ch }

// Write implements io.Writer.
func (f *FirstLine) Write(p []byte) (int, error) {
	const limit = 64 << 10
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return len(p), nil
	}
	line, _, ended := bytes.Cut(p, []byte{'\n'})
	f.buf = append(f.buf, line...)
	if ended || len(f.buf) >= limit {
		f.done = true
		f.ch <- f.buf[:min(len(f.buf), limit)]
		f.buf = nil
	}
	return len(p), nil
}
