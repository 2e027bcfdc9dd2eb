package hub

import (
	"runtime"
	"sync"
)

// A task is done in parts, by one worker at a time.
type task interface{ part() (more bool) }

// A crew is goroutines that work on tasks in turn, a part of each. They are there
// only while there is something to do.
type crew struct {
	mu      sync.Mutex
	tasks   []task
	head    int // the first task
	working int
	most    int
	closed  bool
	all     sync.WaitGroup
}

func (c *crew) init() { c.most = runtime.GOMAXPROCS(0) }

// submit has a task done, behind those that wait. It is dropped once the crew is
// closed.
func (c *crew) submit(t task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.push(t)
	if c.working < c.most {
		c.working++
		c.all.Go(c.work)
	}
}

func (c *crew) push(t task) {
	if len(c.tasks) == cap(c.tasks) && c.head > len(c.tasks)/2 {
		n := copy(c.tasks, c.tasks[c.head:])
		clear(c.tasks[n:])
		c.tasks, c.head = c.tasks[:n], 0
	}
	c.tasks = append(c.tasks, t)
}

// next returns the first task, nil if there is none: the worker ends then. more is
// one that goes to the end, nil for none.
func (c *crew) next(more task) task {
	c.mu.Lock()
	defer c.mu.Unlock()
	if more != nil && !c.closed {
		c.push(more)
	}
	if c.closed || c.head == len(c.tasks) {
		c.working--
		return nil
	}
	t := c.tasks[c.head]
	c.tasks[c.head] = nil
	c.head++
	return t
}

func (c *crew) work() {
	var more task
	for {
		t := c.next(more)
		if t == nil {
			return
		}
		if more = nil; t.part() {
			more = t
		}
	}
}

func (c *crew) close() {
	c.mu.Lock()
	c.closed = true
	c.tasks, c.head = nil, 0
	c.mu.Unlock()
	c.all.Wait()
}

func (c *crew) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}
