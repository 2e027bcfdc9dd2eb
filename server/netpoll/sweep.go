package netpoll

import (
	"sync/atomic"
	"time"

	"signalbench/server/engine"
)

// A clock counts sweeps instead of reading the time, so that to note when a
// connection was last heard of costs one load and one store.
//
// Two sweeps are at least a tick apart. Something noted in tick k happened
// before sweep k+1; at sweep k+1+n at least n ticks have passed since then. So a
// timeout of n ticks, rounded up, that fires n+1 sweeps after the noted one is
// never early, and late by two ticks at most: a tenth, as there are at least
// twenty ticks in it.
type clock struct {
	sweeps                 atomic.Uint32
	tick                   time.Duration
	handshake, read, write uint32 // the timeouts of the Config in sweeps; read 0 is none
}

const (
	shortestTick = 5 * time.Millisecond
	longestTick  = time.Second
	// horizon is when a connection is looked at for which nothing is due: far
	// away, but not so far that the counter has gone half way round.
	horizon = 1 << 30
)

func (k *clock) init(cfg *engine.Config) {
	shortest := min(cfg.HandshakeTimeout, cfg.WriteTimeout)
	if cfg.ReadTimeout > 0 {
		shortest = min(shortest, cfg.ReadTimeout)
	}
	k.tick = min(max(shortest/20, shortestTick), longestTick)
	sweeps := func(d time.Duration) uint32 {
		return uint32(min((d+k.tick-1)/k.tick+1, horizon))
	}
	k.handshake, k.write = sweeps(cfg.HandshakeTimeout), sweeps(cfg.WriteTimeout)
	if cfg.ReadTimeout > 0 {
		k.read = sweeps(cfg.ReadTimeout)
	}
}

func (k *clock) now() uint32 { return k.sweeps.Load() }

// sweep looks, once a tick, at the connections for which something may be due,
// and lets listeners that ran out of descriptors try again.
//
// A connection stands in the table with the tick of its next look. Being heard
// of does not move that: when the look comes, the connection says itself from
// when on it was silent, and when to look again. So a busy connection pays
// nothing for its timeouts, and an idle one a look per timeout.
func (s *server) sweep(stop <-chan struct{}, doors []*door) {
	timer := time.NewTimer(s.clock.tick)
	defer timer.Stop()
	var list []*conn
	for {
		select {
		case <-stop:
			return
		case <-timer.C:
		}
		now := s.clock.sweeps.Add(1)
		for _, t := range s.tables {
			for n, more := 0, true; more; n++ {
				list, more = t.due(n, now, list[:0])
				for _, c := range list {
					c.look(now)
				}
				clear(list)
			}
		}
		for _, d := range doors {
			d.resume()
		}
		timer.Reset(s.clock.tick)
	}
}

// look ends what has been waited for long enough, and says when to look again.
func (c *conn) look(now uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, next := &c.loop.clock, now+horizon
	// passed reports whether the time is over, and else makes the next look no
	// later than its end.
	passed := func(since, allowed uint32) bool {
		end := since + allowed
		if int32(end-now) <= 0 {
			return true
		}
		if int32(end-next) < 0 {
			next = end
		}
		return false
	}
	switch p := c.phase.Load(); p {
	case dead:
		return
	case opening:
		if passed(c.seen, k.handshake) {
			c.doom(errHandshake)
		}
	case open:
		switch {
		case c.x != nil && c.x.out != nil && passed(c.x.full, k.write):
			c.evict()
		case k.read > 0 && passed(c.seen, k.read):
			c.loop.cfg.Stats.TimedOut.Add(1)
			c.bye(closing, silent)
			next = now + k.write
		}
	case doomed:
		// Its poller is about to see to it.
	default:
		if passed(c.x.ended, k.write) {
			c.doom(errGoodbye)
		}
	}
	c.loop.table.postpone(c, next)
}
