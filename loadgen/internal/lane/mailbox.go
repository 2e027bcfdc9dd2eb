package lane

import (
	"sync"
	"sync/atomic"
)

// mailbox holds functions for a lane's thread.
type mailbox struct {
	full atomic.Bool // cheap to look at
	mu   sync.Mutex
	in   []func()
	out  []func() // the lane's own
	shut bool
}

func (m *mailbox) put(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shut {
		return false
	}
	m.in = append(m.in, f)
	m.full.Store(true)
	return true
}

// deliver runs what was put, in order.
func (m *mailbox) deliver() {
	if !m.full.Load() {
		return
	}
	m.mu.Lock()
	m.in, m.out = m.out[:0], m.in
	m.full.Store(false)
	m.mu.Unlock()
	for i, f := range m.out {
		m.out[i] = nil
		f()
	}
}

// close refuses further functions and runs those that were taken.
func (m *mailbox) close() {
	m.mu.Lock()
	m.shut = true
	m.mu.Unlock()
	m.deliver()
}
