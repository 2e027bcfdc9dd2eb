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

// A mailbox holds what a poller is asked to do on its thread. A connection stands
// in it once at most; how many jobs do is up to those who post them. Its lock comes
// after all others.
type mailbox struct {
	mu     sync.Mutex
	conns  []*conn // to be tended
	jobs   []func()
	about  []question
	rung   bool          // the poller is about to collect
	closed bool          // nobody collects any more
	asked  chan struct{} // holds something when questions have come

	// The poller's: the lists of the collection before, to be filled again.
	spareConns []*conn
	spareJobs  []func()
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

// Do implements [engine.Home].
func (a *apart) Do(job func()) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	a.jobs = append(a.jobs, job)
	a.ring()
	return true
}

// do is Do that waits; nothing is done if the poller has ended. It must not be
// called on a poller's thread.
func (a *apart) do(job func()) {
	done := make(chan struct{})
	if !a.Do(func() { defer close(done); job() }) {
		return
	}
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
//
// It does what was there when it came, and no more. A job that asks for another
// rings the bell anew, which epoll reports behind the events of all connections
// that are ready by then: so a long job done in parts leaves room for them.
func (p *poller) collect(ev netpoll.EpollEvent) {
	if ev&pollerClosed != 0 {
		return
	}
	a := p.apart
	a.mu.Lock()
	conns, jobs := a.conns, a.jobs
	a.conns, a.jobs = a.spareConns, a.spareJobs
	a.spareConns, a.spareJobs, a.rung = nil, nil, false
	a.mu.Unlock()
	for _, c := range conns {
		c.tend()
	}
	for _, job := range jobs {
		p.run(job)
	}
	a.reply()
	a.spareConns, a.spareJobs = emptied(conns), emptied(jobs)
}

// emptied returns a list to be filled again, nil if it has grown too long to be kept.
func emptied[T any](list []T) []T {
	if clear(list); cap(list) > mailKept {
		return nil
	}
	return list[:0]
}

// run does a job, which may be a handler's.
func (p *poller) run(job func()) {
	defer p.survive()
	job()
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
