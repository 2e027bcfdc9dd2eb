package ledger

import (
	"time"

	"signalbench/results"
)

// A Meter measures what both sides consume between two moments.
type Meter struct {
	server, client gauge
}

// gauge is one side of a Meter.
type gauge struct {
	p       group
	from    cpu
	rss     int64 // at the start
	reset   bool  // whether the kernel's peak starts at the start
	readErr error
}

// Meter starts to measure. The peak of RSS is the kernel's own, which is reset
// for that, so only the Meter started last tells it.
func (s *Sampler) Meter() *Meter {
	return &Meter{server: startGauge(s.server), client: startGauge(s.self)}
}

func startGauge(p group) gauge {
	g := gauge{p: p}
	if p == nil {
		return g
	}
	if g.from, g.rss, g.readErr = p.use(); g.readErr != nil {
		return g
	}
	g.reset = p.resetPeak() == nil
	return g
}

// Read returns what was consumed since the Meter was started, and may be called
// again. Usage of a process that is gone or not known is not Known.
func (m *Meter) Read() (client, server results.Usage) {
	return m.client.read(), m.server.read()
}

func (g *gauge) read() results.Usage {
	if g.p == nil || g.readErr != nil {
		return results.Usage{}
	}
	now, rss, err := g.p.use()
	if err != nil {
		return results.Usage{}
	}
	used := now.minus(g.from)
	u := results.Usage{
		Known: true, User: used.user, System: used.system,
		PeakRSS: uint64(max(g.rss, rss, 0)),
	}
	if peak, err := g.p.peak(); err == nil && g.reset {
		u.PeakRSS = peak
	}
	return u
}

// A Second is a reading that is cheap enough for once a second: a small
// file for each process, and one. What is not known is -1.
type Second struct {
	ServerRSS, ClientRSS int64   // bytes, approximate as in /proc/PID/stat
	ServerCPU, ClientCPU float64 // cores busy since the Tick before
	TCPMem               int64   // pages
}

// ticks is what the Tick before saw.
type ticks struct {
	at             time.Time
	server, client cpu
}

// Tick reads a Second. The first one knows no CPU.
func (s *Sampler) Tick() Second {
	now := time.Now()
	elapsed := now.Sub(s.ticks.at)
	side := func(p group, last *cpu) (rss int64, cores float64) {
		if p == nil {
			return -1, -1
		}
		c, rss, err := p.use()
		if err != nil {
			return -1, -1
		}
		used := c.minus(*last)
		*last = c
		if s.ticks.at.IsZero() || elapsed <= 0 {
			return rss, -1
		}
		return rss, (used.user + used.system).Seconds() / elapsed.Seconds()
	}
	var t Second
	t.ServerRSS, t.ServerCPU = side(s.server, &s.ticks.server)
	t.ClientRSS, t.ClientCPU = side(s.self, &s.ticks.client)
	t.TCPMem = s.kernel.tcpPages()
	s.ticks.at = now
	return t
}
