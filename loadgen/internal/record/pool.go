package record

import (
	"sync"
	"time"
)

// A Pool is one set of histograms for the shards of many lanes. A histogram
// takes 220 KB whatever it holds, so one for each metric of each lane would
// outweigh the connections themselves where there are a hundred lanes. A shard
// of a pool notes what it times in a list of 2 KB, which goes into the pool when
// it is full and to the collector when it is swapped. There is one collector.
type Pool struct {
	timed [metrics]bool
	mu    sync.Mutex
	set   *Set
	any   bool // set holds something
	spare *Set // the collector's, empty
}

// NewPool returns a pool that times the given metrics.
func NewPool(timed ...Metric) *Pool {
	p := &Pool{set: NewSet(timed...), spare: NewSet(timed...)}
	for _, m := range timed {
		p.timed[m] = true
	}
	return p
}

// Shard returns a shard of the pool.
func (p *Pool) Shard() *Shard { return &Shard{p.member(), p.member()} }

// noteLimit is how many times a set of a pool keeps to itself, 8 B each.
const noteLimit = 256

func (p *Pool) member() *Set {
	s := &Set{pool: p}
	if p.timed != [metrics]bool{} {
		s.notes = make([]note, 0, noteLimit)
	}
	return s
}

// A note is a time and, in its lowest bits, what it is the time of.
type note int64

const metricBits = 5

func (n note) split() (Metric, time.Duration) {
	return Metric(n & (1<<metricBits - 1)), time.Duration(n >> metricBits)
}

// note keeps d until the list is full.
func (s *Set) note(m Metric, d time.Duration) {
	if !s.pool.timed[m] {
		return
	}
	s.notes = append(s.notes, note(d)<<metricBits|note(m))
	if len(s.notes) < noteLimit {
		return
	}
	p := s.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set.read(s.notes)
	p.any = true
	s.notes = s.notes[:0]
}

func (s *Set) read(notes []note) {
	for _, n := range notes {
		s.Time(n.split())
	}
}

// drain gives s what the lists of p have run over with, whichever set that was.
// No lane waits while it is added up.
func (p *Pool) drain(s *Set) {
	p.mu.Lock()
	if !p.any {
		p.mu.Unlock()
		return
	}
	full := p.set
	p.set, p.any = p.spare, false
	p.mu.Unlock()
	s.Add(full)
	full.Reset()
	p.spare = full
}
