package workload

import (
	"time"

	"signalbench/loadgen/internal/lane"
	"signalbench/results"
)

// moment is how finely a tally tells apart when things happened, and perSecond how
// many of these a second has.
const (
	moment    = 100 * time.Millisecond
	perSecond = int(time.Second / moment)
)

// A Tally is what storms on some lanes have counted together. Make the first by
// [Storm.Tally] and add the others.
type Tally struct {
	start                 time.Duration
	open, lost, back      uint64
	attempts              uint64
	failures              map[results.Cause]uint64 // of attempts
	first, last, lastBack time.Duration            // losses, and the last return
	dials, returned       []uint64                 // in each moment since start
}

func newTally(start time.Duration) Tally {
	return Tally{start: start, first: lane.Never, failures: make(map[results.Cause]uint64)}
}

func (t *Tally) loses(now time.Duration) {
	t.lost++
	t.first, t.last = min(t.first, now), max(t.last, now)
}

func (t *Tally) dialled(now time.Duration) {
	t.attempts++
	t.dials = t.count(t.dials, now)
}

func (t *Tally) returns(now time.Duration) {
	t.lastBack = max(t.lastBack, now)
	t.returned = t.count(t.returned, now)
}

func (t *Tally) count(list []uint64, now time.Duration) []uint64 {
	i := int(max(0, now-t.start) / moment)
	for len(list) <= i {
		list = append(list, 0)
	}
	list[i]++
	return list
}

// Add adds what another lane has counted in the same storm.
func (t *Tally) Add(o Tally) {
	t.open += o.open
	t.lost += o.lost
	t.back += o.back
	t.attempts += o.attempts
	for why, n := range o.failures {
		t.failures[why] += n
	}
	t.first, t.last, t.lastBack = min(t.first, o.first), max(t.last, o.last), max(t.lastBack, o.lastBack)
	t.dials, t.returned = sum(t.dials, o.dials), sum(t.returned, o.returned)
}

func sum(a, b []uint64) []uint64 {
	all := make([]uint64, max(len(a), len(b)))
	for _, list := range [][]uint64{a, b} {
		for i, n := range list {
			all[i] += n
		}
	}
	return all
}

// peak is the most in any one second.
func peak(list []uint64) float64 {
	var most, second uint64
	for i, n := range list {
		if second += n; i >= perSecond {
			second -= list[i-perSecond]
		}
		most = max(most, second)
	}
	return float64(most)
}

// Storm is the tally of all lanes as a result.
func (t *Tally) Storm(by string, b Backoff) *results.Storm {
	s := &results.Storm{
		By: by, Backoff: b.String(), Open: t.open, Lost: t.lost, Back: t.back, Attempts: t.attempts,
		Failures: t.failures, PeakDials: peak(t.dials), PeakBack: peak(t.returned),
	}
	if t.lost > 0 {
		s.Ending = t.last - t.first
		if t.back == t.open {
			s.Recovery = t.lastBack - t.first
		}
	}
	return s
}
