package netpoll

import (
	"net"
	"sync"
	"unsafe"

	"github.com/mailru/easygo/netpoll"
	"golang.org/x/sys/unix"
)

// mailKept is the longest list of connections that is kept from one collection
// to the next.
const mailKept = 1024

// A mailbox holds what a poller is asked to do on its thread. It is bounded: a
// connection stands in it once at most. Its lock comes after all others.
type mailbox struct {
	mu     sync.Mutex
	conns  []*conn // to be tended
	jobs   []func()
	about  []question
	rung   bool          // the poller is about to collect
	closed bool          // there is no bell any more
	asked  chan struct{} // holds something when questions have come
	spare  []*conn       // the poller's
}

// A question is one for the address of a connection's peer.
type question struct {
	c      *conn
	answer chan net.Addr // has room for it
}

// ring wakes the poller. mu is held.
func (a *apart) ring() {
	if a.rung || a.closed {
		return
	}
	a.rung = true
	one := uint64(1)
	unix.RawSyscall(unix.SYS_WRITE, uintptr(a.bell), uintptr(unsafe.Pointer(&one)), 8)
}

// post has a job done on the poller's thread.
func (a *apart) post(job func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.jobs = append(a.jobs, job)
	a.ring()
}

// do is post that waits; nothing is done if the poller has ended. It must not be
// called on a poller's thread.
func (a *apart) do(job func()) {
	done := make(chan struct{})
	a.post(func() { defer close(done); job() })
	select {
	case <-done:
	case <-a.over:
	}
}

// ask has c tended by its poller, unless that is at it. c.mu is held.
func (c *conn) ask() {
	if c.is(asked | corked) {
		return
	}
	c.flags |= asked
	a := c.loop.apart
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conns = append(a.conns, c)
	a.ring()
}

// collect is what epoll calls when the bell has rung. It is edge-triggered: there
// is nothing to read.
func (p *poller) collect(ev netpoll.EpollEvent) {
	if ev&pollerClosed != 0 {
		return
	}
	a := p.apart
	a.mu.Lock()
	conns, jobs := a.conns, a.jobs
	a.conns, a.jobs, a.spare, a.rung = a.spare, nil, nil, false
	a.mu.Unlock()
	for _, c := range conns {
		c.tend()
	}
	for _, job := range jobs {
		job()
	}
	a.reply()
	if clear(conns); cap(conns) <= mailKept {
		a.spare = conns[:0]
	}
}

// tend does what others have left to c's poller.
func (c *conn) tend() {
	c.mu.Lock()
	c.flags &^= asked
	switch p := c.phase.Load(); {
	case p == dead:
		c.mu.Unlock()
		return
	case p < doomed:
		c.flush()
	}
	c.settle()
}

// inquire asks c's poller for the peer's address and waits. A poller that waits
// answers others meanwhile, as they may be waiting for it.
func (c *conn) inquire() net.Addr {
	none := &net.TCPAddr{}
	if c.phase.Load() == dead {
		return none
	}
	a, q := c.loop.apart, question{c, make(chan net.Addr, 1)}
	a.mu.Lock()
	a.about = append(a.about, q)
	a.ring()
	a.mu.Unlock()
	select {
	case a.asked <- struct{}{}:
	default: // it is told already
	}
	var self *apart
	var others <-chan struct{}
	tid := int64(unix.Gettid())
	for _, p := range c.loop.pollers {
		if p.apart.tid.Load() == tid {
			self, others = p.apart, p.apart.asked
		}
	}
	for {
		select {
		case addr := <-q.answer:
			return addr
		case <-a.over:
			return none
		case <-others:
			self.reply()
		}
	}
}

// reply answers the questions that have come. It runs on the poller's thread.
func (a *apart) reply() {
	a.mu.Lock()
	list := a.about
	a.about = nil
	a.mu.Unlock()
	for _, q := range list {
		q.answer <- q.c.peer()
	}
}
