package ladder

import "signalbench/server/engine"

var rungB = rung{name: "ladder-b"}

// EntryB reads when epoll says that there is something, in a goroutine made for that
// one event, and writes without a goroutine or a buffer of the connection's own.
// net/http's pair of buffers is still held.
var EntryB = engine.Entry{
	Name:      rungB.name,
	IdleBytes: 11000,
	Optional:  true,
	Summary:   "article of 2017, rung B: net/http, easygo epoll, a goroutine for each event, lazy writes (8 KB by its count)",
	New:       rungB.new,
}

// dispatch has an event served. It is called by the goroutine that waits for events.
func (s *server) dispatch(c *conn) {
	if s.pool != nil {
		s.pool.schedule(c)
		return
	}
	s.busy.Go(c.receive)
}
