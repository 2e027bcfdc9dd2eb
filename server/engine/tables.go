package engine

import (
	"slices"
	"sync"
)

// Tables are descriptor tables that single threads have for themselves, by the
// numbers of these threads. The zero value is ready.
type Tables struct {
	mu   sync.Mutex
	tids []int
}

// Add enters the table of a thread.
func (t *Tables) Add(tid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tids = append(t.tids, tid)
}

// Remove takes it out.
func (t *Tables) Remove(tid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tids = slices.DeleteFunc(t.tids, func(of int) bool { return of == tid })
}

// Threads are those of this moment.
func (t *Tables) Threads() []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.tids)
}
