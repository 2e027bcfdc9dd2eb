package netpoll

import "sync"

// surplusLimit is how many connections over Config.MaxConns may be in a
// handshake so as to be told 503. The next one is closed unheard.
const surplusLimit = 64

// A census counts the connections of all tables.
type census struct {
	mu      sync.Mutex
	size    int           // connections, until the handler was told of their end
	surplus int           // of those, over the limit
	empty   chan struct{} // closed when draining and size is 0
	drain   bool
}

func newCensus() *census { return &census{empty: make(chan struct{})} }

// enter counts c. It marks c as surplus if there are limit connections already
// (0: no limit), and returns false if there are too many even of these.
func (n *census) enter(c *conn, limit int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if limit > 0 && n.size-n.surplus >= limit {
		if n.surplus == surplusLimit {
			return false
		}
		n.surplus++
		c.flags |= surplus
	}
	n.size++
	return true
}

// gone counts c as ended.
func (n *census) gone(c *conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.size--
	if c.is(surplus) {
		n.surplus--
	}
	if n.drain && n.size == 0 {
		close(n.empty)
	}
}

// drained returns a channel that is closed when the last connection is gone.
// Nothing may be added any more. It is called once.
func (n *census) drained() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drain = true
	if n.size == 0 {
		close(n.empty)
	}
	return n.empty
}
