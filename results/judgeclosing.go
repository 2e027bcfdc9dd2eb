package results

import (
	"strings"
	"time"
)

// closing warns of what the end of all connections has left behind.
func (j *judge) closing(c *Closing) {
	if c == nil {
		return
	}
	if c.OrphansMax >= 0 && c.OrphansPeak > c.OrphansMax/2 {
		// tcp_too_many_orphans() in net/ipv4/tcp.c doubles the count where much is
		// queued, so half of the limit may be too many already.
		j.find(Warning, CheckTeardown, "%d connections were orphans at once while all were closed, of the %d that tcp_max_orphans allows; expected half of them at most: the kernel may have reset some",
			c.OrphansPeak, c.OrphansMax)
	}
	if c.Reset > c.Begun {
		j.find(Fatal, CheckTeardown, "%d connections were reset of %d that there were", c.Reset, c.Begun)
	}
}

// baseline tells whether the kernel has given back what the run had of it.
func (j *judge) baseline(c *Closing) {
	if c == nil || c.Baseline == nil {
		return
	}
	b := c.Baseline
	waited := b.Waited.Round(100 * time.Millisecond)
	if left := b.Left(c.Begun); len(left) > 0 {
		j.find(Warning, CheckTeardown, "expected the machine to be as before the ramp; %v after the end of %d connections it has more than then: %s (other programs' are in it)",
			waited, c.Begun, strings.Join(left, ", "))
		return
	}
	if c.Begun < 2*baselineFiles { // fewer than what other programs move
		return
	}
	j.find(Note, CheckTeardown, "the machine is as before the ramp %v after the end of %d connections: %d TCP sockets, %d open files, %d TCP objects in the slab (before: %d, %d, %d; -1 is not known); %d connections are in TIME_WAIT for up to a minute",
		waited, c.Begun, b.After.Sockets, b.After.Files, b.After.Objects, b.Before.Sockets, b.Before.Files, b.Before.Objects, b.After.TimeWait)
}
