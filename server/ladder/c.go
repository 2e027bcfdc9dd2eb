package ladder

import (
	"sync"

	"signalbench/server/engine"
)

var rungC = rung{name: "ladder-c", pool: true}

// EntryC is [EntryB] with a bounded number of goroutines for all events: it holds as
// much at rest, and much less when all peers send at once.
var EntryC = engine.Entry{
	Name:      rungC.name,
	IdleBytes: 11000,
	Optional:  true,
	Summary:   "article of 2017, rung C: rung B with a bounded pool of goroutines (8 KB by its count)",
	New:       rungC.new,
}

// A pool serves events on at most so many goroutines. They are started when they
// are first needed, and stay.
type pool struct {
	work  chan *conn // to a goroutine that has nothing to do
	slots chan struct{}
	busy  sync.WaitGroup
}

func newPool(size int) *pool {
	return &pool{work: make(chan *conn), slots: make(chan struct{}, size)}
}

// schedule has c served. While all goroutines are busy it waits, and with it who
// waits for events: they stay in epoll.
func (p *pool) schedule(c *conn) {
	select {
	case p.work <- c:
		return
	default:
	}
	select {
	case p.work <- c:
	case p.slots <- struct{}{}:
		p.busy.Go(func() {
			for ; c != nil; c = <-p.work {
				c.receive()
			}
		})
	}
}

// close returns when all goroutines have ended. Nothing may be scheduled any more.
func (p *pool) close() {
	close(p.work)
	p.busy.Wait()
}
