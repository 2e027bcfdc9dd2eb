package workload

import (
	"sort"
	"time"

	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/wire"
)

// asked is a ping that was sent. At the head of a vigil its answer is missing;
// further on it may have come.
type asked struct {
	conn      wire.Conn
	done      bool
	due, sent time.Duration
}

// A vigil is the pings of a lane whose answers are missing, in the order in
// which they were sent, as a circular queue. It holds what the rate of pings
// times their timeout comes to when nobody answers, and next to nothing
// otherwise. As a pong tells when its ping was sent, and that order is the
// queue's, it is found there by bisection.
type vigil struct {
	all   []asked // its length is zero or a power of two
	head  uint
	n     int
	limit int
}

func (v *vigil) at(i int) *asked { return &v.all[(v.head+uint(i))&uint(len(v.all)-1)] }

func (v *vigil) empty() bool { return v.n == 0 }

// full reports whether the vigil is at its limit.
func (v *vigil) full() bool { return v.n >= v.limit }

// add puts q, which was sent last, at the end.
func (v *vigil) add(q asked) {
	if v.n == len(v.all) {
		grown := make([]asked, max(16, 2*v.n))
		for i := range v.n {
			grown[i] = *v.at(i)
		}
		v.all, v.head = grown, 0
	}
	v.n++
	*v.at(v.n - 1) = q
}

// answer finishes the ping that was sent to c at a moment, and reports whether
// it was outstanding.
func (v *vigil) answer(c wire.Conn, sent time.Duration) bool {
	for i := sort.Search(v.n, func(i int) bool { return v.at(i).sent >= sent }); i < v.n && v.at(i).sent == sent; i++ {
		if q := v.at(i); q.conn == c {
			was := !q.done
			q.done = true
			v.trim()
			return was
		}
	}
	return false
}

// oldest takes the first ping to c that is outstanding. It looks at all of them.
func (v *vigil) oldest(c wire.Conn) (asked, bool) {
	for i := range v.n {
		if q := v.at(i); q.conn == c && !q.done {
			taken := *q
			q.done = true
			v.trim()
			return taken, true
		}
	}
	return asked{}, false
}

// expired takes the first ping that is outstanding if its time is over.
func (v *vigil) expired(now, timeout time.Duration) (asked, bool) {
	if v.n == 0 || v.at(0).sent > now-timeout {
		return asked{}, false
	}
	taken := *v.at(0)
	v.at(0).done = true
	v.trim()
	return taken, true
}

// next is when the first expires.
func (v *vigil) next(timeout time.Duration) time.Duration {
	if v.n == 0 {
		return lane.Never
	}
	return v.at(0).sent + timeout
}

// trim removes from the head what is done.
func (v *vigil) trim() {
	for v.n > 0 && v.at(0).done {
		v.head++
		v.n--
	}
}
