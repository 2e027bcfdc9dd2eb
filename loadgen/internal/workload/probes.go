package workload

import (
	"time"
)

// probes draws which connection is the next to be probed. All lanes draw the
// same numbers, and each keeps those that fall on it.
type probes struct {
	every, at, end time.Duration // the next draw is due at at
	seed           uint64
	total          uint64 // connections of all lanes
	first, count   uint64 // this lane's part of them, lane after lane
}

func newProbes(b Beats, ring Ring, index int, span Span) probes {
	p := probes{every: b.Probe, at: span.Main, end: span.End, seed: b.Seed, total: uint64(ring.total)}
	if b.Probe == 0 || ring.total == 0 {
		p.at = p.end
		return p
	}
	for i, n := range ring.counts[:index+1] {
		if p.count = uint64(n); i < index {
			p.first += uint64(n)
		}
	}
	return p
}

// next returns the next probe of this lane: which of its connections, and when.
func (p *probes) next() (k int, due time.Duration, ok bool) {
	for p.at < p.end {
		due = p.at
		p.at += p.every
		if n := p.draw() % p.total; n >= p.first && n < p.first+p.count {
			return int(n - p.first), due, true
		}
	}
	return 0, 0, false
}

// draw is the next 64 random bits (SplitMix64; Steele, Lea and Flood 2014).
func (p *probes) draw() uint64 {
	p.seed += 0x9E3779B97F4A7C15
	z := p.seed
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}
