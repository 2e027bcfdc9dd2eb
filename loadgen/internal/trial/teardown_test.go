package trial

import (
	"context"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"signalbench/loadgen/internal/pace"
	"signalbench/results"
)

// Connections end at the rate that was asked for, each by a closing handshake,
// also where groups of lanes take turns, and the result says what became of them.
func TestTeardownKeepsItsRate(t *testing.T) {
	t.Parallel()
	for _, groups := range []int{1, 2} {
		s := serve(t, false, nil)
		p := s.plan(t, Hold)
		p.Groups, p.CloseRate = groups, 100
		run, err := run(context.Background(), p, new(watch), often)
		if err != nil {
			t.Fatal(err)
		}
		end := named(t, run, "teardown")
		if end.Length < 190*time.Millisecond { // 20 of them, one every 10 ms
			t.Errorf("%d groups: it took %v", groups, end.Length)
		}
		c := end.Closing
		if c == nil || c.Begun != 20 || c.Reset != 0 || c.Rate != 100 || c.OrphansMax < 1 || c.OrphansPeak < 0 || c.TimeWaitPeak < c.TimeWaitAfter {
			t.Errorf("%d groups: %+v", groups, c)
		}
		if n := s.closed.Load(); n < 20 || run.Verdict != results.Valid {
			t.Errorf("%d groups: %d were closed in good order, %q", groups, n, fatal(run))
		}
		if run.Spec.CloseRate != 100 {
			t.Errorf("%+v", run.Spec)
		}
	}
}

// Groups take turns: each begins when the one before it should be through.
func TestTurns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		counts []int
		lanes  int
		begins []time.Duration
		length time.Duration
	}{
		{[]int{10, 10}, 2, []time.Duration{0, 0}, 20 * time.Second},
		{[]int{10, 10, 5, 4, 7, 0}, 2, []time.Duration{0, 0, 20 * time.Second, 20 * time.Second, 30 * time.Second, 30 * time.Second}, 44 * time.Second},
		{[]int{3, 4, 5}, 1, []time.Duration{0, 3 * time.Second, 7 * time.Second}, 12 * time.Second},
		{[]int{0, 0}, 1, []time.Duration{0, 0}, 0},
		{nil, 1, nil, 0},
	} {
		begins, length := turns(c.counts, c.lanes, pace.Rate(1))
		if !reflect.DeepEqual(begins, c.begins) || length != c.length {
			t.Errorf("%v of %d lanes: %v, %v", c.counts, c.lanes, begins, length)
		}
	}
}

// Many orphans hold the teardown back until there are few again, and not for ever.
func TestOrphansHoldATeardown(t *testing.T) {
	t.Parallel()
	var looks atomic.Int64
	many := func() (sockets, bool) {
		switch n := looks.Add(1); {
		case n <= 2:
			return sockets{25, 7}, true // a quarter is not too many
		case n <= 5:
			return sockets{26 * n, 1000}, true
		case n == 6:
			return sockets{}, false
		}
		return sockets{1, 70}, true
	}
	o := watchOrphans(many, 100, time.Millisecond)
	for looks.Load() < 10 {
		time.Sleep(time.Millisecond)
	}
	c := o.stop()
	want := results.Closing{Held: 3 * time.Millisecond, OrphansPeak: 130, OrphansMax: 100, TimeWaitPeak: 1000, OrphansAfter: 1, TimeWaitAfter: 70}
	if c != want || o.brake.Held() != want.Held {
		t.Errorf("%+v", c)
	}

	ever := &orphanage{read: func() (sockets, bool) { return sockets{orphans: 1000}, true }}
	ever.seen.OrphansMax = 100
	for range 1000 {
		ever.look(time.Second)
	}
	if ever.brake.Held() != orphanPatience {
		t.Errorf("held for %v", ever.brake.Held())
	}
	unknown := watchOrphans(func() (sockets, bool) { return sockets{}, false }, -1, time.Hour).stop()
	if unknown.OrphansPeak != -1 || unknown.TimeWaitAfter != -1 || unknown.Held != 0 {
		t.Errorf("%+v", unknown)
	}
}

// This machine tells how many orphans it has and may have.
func TestOrphansOfThisMachine(t *testing.T) {
	t.Parallel()
	if now, ok := abandoned(); !ok || now.orphans < 0 || now.timeWait < 0 || maxOrphans() < 1 {
		t.Errorf("%+v %v, at most %d", now, ok, maxOrphans())
	}
}
