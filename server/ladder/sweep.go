package ladder

import (
	"os"
	"time"

	"signalbench/server/conns"
)

// How often deadlines are looked at: twenty times in the shortest, within these.
const (
	shortestTick = 5 * time.Millisecond
	longestTick  = time.Second
)

// sweep ends the connections whose read deadline has passed, until stop is closed.
func (s *server) sweep(stop <-chan struct{}) {
	shortest := min(s.cfg.HandshakeTimeout, s.cfg.WriteTimeout)
	if s.cfg.ReadTimeout > 0 {
		shortest = min(shortest, s.cfg.ReadTimeout)
	}
	ticks := time.NewTicker(min(max(shortest/20, shortestTick), longestTick))
	defer ticks.Stop()
	var list []*conns.Conn
	for {
		select {
		case <-stop:
			return
		case <-ticks.C:
		}
		list = s.set.Overdue(list)
		for _, nc := range list {
			nc.Conn.Conn.(*socket).expire()
		}
		clear(list)
		list = list[:0]
	}
}

// expire ends the connection unless it is being served, or has been heard of since.
// One that is not watched, before or after, has a read under way.
func (s *socket) expire() {
	s.mu.Lock()
	c := s.owner
	s.mu.Unlock()
	if c == nil || !c.turn.TryLock() {
		return
	}
	defer c.turn.Unlock()
	if !c.ended && c.Socket.Overdue() {
		c.leave(os.ErrDeadlineExceeded)
	}
}
