package child

import (
	"bytes"
	"strings"
	"sync"
)

const (
	tailLines = 12
	lineLimit = 1 << 10 // bytes of a line that are kept
)

// tail keeps the last lines written to it.
type tail struct {
	onLine func(string)

	mu      sync.Mutex
	lines   []string
	partial []byte // line not ended yet
}

// Write implements io.Writer; os/exec calls it from one goroutine.
func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	for {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		t.mu.Lock()
		t.partial = append(t.partial, line[:min(len(line), max(0, lineLimit-len(t.partial)))]...)
		if !ended {
			t.mu.Unlock()
			return n, nil
		}
		s := strings.TrimRight(string(t.partial), "\r")
		t.partial = t.partial[:0]
		if len(t.lines) == tailLines {
			t.lines = append(t.lines[:0], t.lines[1:]...)
		}
		t.lines = append(t.lines, s)
		t.mu.Unlock()
		if t.onLine != nil {
			t.onLine(s)
		}
		p = rest
	}
}

// String returns the kept lines, joined.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := t.lines
	if len(t.partial) > 0 {
		lines = append(lines[:len(lines):len(lines)], string(t.partial))
	}
	return strings.Join(lines, "\n")
}
