package record

import (
	"time"

	"signalbench/results"
)

// A Set is what was counted and timed in one interval, or in all of a phase.
// It is for one goroutine at a time. The zero value counts and times nothing.
type Set struct {
	Ops   results.Ops
	Dials results.Dials
	// OnTime is how many of the completed operations were completed before the
	// end of their phase, and not in the drain.
	OnTime uint64
	// Stale is replies that came after the end of their own phase's drain,
	// Unexpected is messages that answer nothing. Neither is an operation.
	Stale, Unexpected uint64
	// Aside is messages that answer nothing and were not meant to: what others
	// have sent, or the server by itself.
	Aside uint64
	// Pings is empty messages that the server sent by itself to show that it lives.
	Pings uint64
	// Signal has the counts of a load of sessions beside its operations.
	Signal results.Signal
	// Deliveries counts each message that was sent to many once for each of them.
	Deliveries results.Ops
	// Untracked is how many reordered messages could not be told from
	// duplicate ones, because too many gaps were open.
	Untracked uint64

	hongbao *results.Hongbao // nil before [Set.Hongbao]

	hist  [metrics]*results.Histogram
	pool  *Pool  // nil, or what has the histograms in place of hist
	notes []note // what the pool has not got yet
}

// NewSet returns an empty set that times the given metrics.
func NewSet(timed ...Metric) *Set {
	s := new(Set)
	for _, m := range timed {
		h := results.NewHistogram()
		h.Reset() // touches every page now, not while memory is being read
		s.hist[m] = h
	}
	return s
}

// Time records d. A metric that the set does not time is ignored.
func (s *Set) Time(m Metric, d time.Duration) {
	switch h := s.hist[m]; {
	case h != nil:
		h.Record(d)
	case s.pool != nil:
		s.note(m, d)
	}
}

// Histogram returns the histogram of m, nil if it is not timed or in a [Pool].
func (s *Set) Histogram(m Metric) *results.Histogram { return s.hist[m] }

// Timed lists the metrics with their histograms in a fixed order.
func (s *Set) Timed(yield func(Metric, *results.Histogram) bool) {
	for m, h := range s.hist {
		if h != nil && !yield(Metric(m), h) {
			return
		}
	}
}

// FailOp and DropOp count n operations with a cause; they do not count them as
// scheduled.
func (s *Set) FailOp(why results.Cause, n uint64) { Fail(&s.Ops, why, n) }

// DropOp is described at FailOp.
func (s *Set) DropOp(why results.Cause, n uint64) { Drop(&s.Ops, why, n) }

// Fail and Drop count n of o with a cause; they do not count them as scheduled.
func Fail(o *results.Ops, why results.Cause, n uint64) {
	o.Failed += n
	add(&o.Causes, why, n)
}

// Drop is described at Fail.
func Drop(o *results.Ops, why results.Cause, n uint64) {
	o.Dropped += n
	add(&o.Causes, why, n)
}

// FailDial and DropDial count n dials with a cause; they do not count them as
// scheduled.
func (s *Set) FailDial(why results.Cause, n uint64) {
	s.Dials.Failed += n
	add(&s.Dials.Causes, why, n)
}

// DropDial is described at FailDial.
func (s *Set) DropDial(why results.Cause, n uint64) {
	s.Dials.Dropped += n
	add(&s.Dials.Causes, why, n)
}

// Lose counts one connection that ended against this side's will.
func (s *Set) Lose(why results.Cause) {
	s.Dials.Lost++
	add(&s.Dials.Causes, why, 1)
}

func add(to *map[results.Cause]uint64, why results.Cause, n uint64) {
	if n == 0 {
		return
	}
	if *to == nil {
		*to = make(map[results.Cause]uint64)
	}
	(*to)[why] += n
}

// FailDelivery counts n deliveries with a cause; it does not count them as
// scheduled.
func (s *Set) FailDelivery(why results.Cause, n uint64) {
	s.Deliveries.Failed += n
	add(&s.Deliveries.Causes, why, n)
}

// Add adds everything in o, which must time no metric that s does not. It takes
// what the pool of o has from it.
func (s *Set) Add(o *Set) {
	addOps(&s.Ops, &o.Ops)
	addOps(&s.Signal.Joins, &o.Signal.Joins)
	addOps(&s.Signal.Relays, &o.Signal.Relays)
	addOps(&s.Signal.Notices, &o.Signal.Notices)
	s.Signal.Answers += o.Signal.Answers
	s.Signal.Told += o.Signal.Told
	addOps(&s.Deliveries, &o.Deliveries)
	if o.hongbao != nil {
		addHongbao(s.Hongbao(), o.hongbao)
	}
	c, d := &s.Dials, &o.Dials
	c.Scheduled += d.Scheduled
	c.Upgraded += d.Upgraded
	c.Failed += d.Failed
	c.Dropped += d.Dropped
	c.Retried += d.Retried
	c.Lost += d.Lost
	for why, n := range d.Causes {
		add(&c.Causes, why, n)
	}
	s.OnTime += o.OnTime
	s.Stale += o.Stale
	s.Unexpected += o.Unexpected
	s.Aside += o.Aside
	s.Pings += o.Pings
	s.Untracked += o.Untracked
	for m, h := range o.hist {
		if h != nil && !empty(h) {
			s.hist[m].Merge(h)
		}
	}
	if o.pool != nil {
		s.read(o.notes)
		o.pool.drain(s)
	}
}

func addOps(a, b *results.Ops) {
	a.Scheduled += b.Scheduled
	a.Completed += b.Completed
	a.Failed += b.Failed
	a.Dropped += b.Dropped
	a.Missing += b.Missing
	a.Duplicate += b.Duplicate
	a.Reordered += b.Reordered
	a.Corrupt += b.Corrupt
	a.BytesSent += b.BytesSent
	a.BytesReceived += b.BytesReceived
	for why, n := range b.Causes {
		add(&a.Causes, why, n)
	}
}

// Hongbao has the counts of a load of shakes beside its operations. There is memory
// for them from the first call on.
func (s *Set) Hongbao() *results.Hongbao {
	if s.hongbao == nil {
		s.hongbao = new(results.Hongbao)
	}
	return s.hongbao
}

func addHongbao(a, b *results.Hongbao) {
	addOps(&a.Grabs, &b.Grabs)
	a.None += b.None
	a.Got += b.Got
	a.Overload += b.Overload
	a.Shaken += b.Shaken
	a.Grabbed += b.Grabbed
}

// resetOps forgets all of o and keeps the memory of its causes.
func resetOps(o *results.Ops) {
	clear(o.Causes)
	*o = results.Ops{Causes: o.Causes}
}

func empty(h *results.Histogram) bool { return h.Count()+h.Below()+h.Above() == 0 }

// Reset forgets everything. It does not allocate.
func (s *Set) Reset() {
	resetOps(&s.Ops)
	resetOps(&s.Signal.Joins)
	resetOps(&s.Signal.Relays)
	resetOps(&s.Signal.Notices)
	resetOps(&s.Deliveries)
	if h := s.hongbao; h != nil {
		resetOps(&h.Grabs)
		*h = results.Hongbao{Grabs: h.Grabs}
	}
	s.Signal.Answers, s.Signal.Told = 0, 0
	clear(s.Dials.Causes)
	s.Dials = results.Dials{Causes: s.Dials.Causes}
	s.OnTime, s.Stale, s.Unexpected, s.Aside, s.Pings, s.Untracked = 0, 0, 0, 0, 0, 0
	s.notes = s.notes[:0]
	for _, h := range s.hist {
		if h != nil && !empty(h) {
			h.Reset()
		}
	}
}
