package results

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
