package record

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"signalbench/results"
)

// However a stream of events is cut into intervals, the total is the same.
func TestIntervalsAddUp(t *testing.T) {
	events := func(s *Shard, i int) {
		s.Ops.Scheduled++
		s.Ops.BytesSent += 128
		s.Time(Response, time.Duration(i)*time.Millisecond)
		s.Time(Connect, time.Second) // not timed here: ignored
		switch i % 10 {
		case 0:
			s.FailOp(results.CauseMissing, 1)
			s.Ops.Missing++
		case 1:
			s.DropOp(results.CauseBacklog, 1)
		case 2:
			s.FailDial(results.CauseRefused, 2)
			s.Dials.Scheduled += 2
			s.Lose(results.CauseClosed)
		case 3:
			s.DropDial(results.CauseStopped, 1)
			s.Stale, s.Unexpected, s.Untracked = s.Stale+1, s.Unexpected+2, s.Untracked+3
			s.Dials.Retried++
		default:
			s.Ops.Completed++
			s.OnTime++
			s.Ops.Corrupt++
			s.Ops.Duplicate++
			s.Ops.Reordered++
			s.Ops.BytesReceived += 64
			s.Dials.Upgraded++
		}
	}
	run := func(every int) *Set {
		shard, total := NewShard(Response, Lag), NewSet(Response, Lag)
		collect := func() {
			set := shard.Swap()
			total.Add(set)
			set.Reset()
		}
		for i := range 200 {
			events(shard, i)
			if i%every == 0 {
				collect()
			}
		}
		collect()
		collect() // nothing came since
		return total
	}
	want := run(1_000_000)
	if o := want.Ops; o.Scheduled != 200 || o.Failed != 20 || o.Dropped != 20 || o.Completed != 120 || o.Causes[results.CauseMissing] != 20 {
		t.Fatalf("counted %+v", o)
	}
	for _, every := range []int{1, 7, 50} {
		got := run(every)
		if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Set{})); d != "" {
			t.Errorf("swapped every %d events:\n%s", every, d)
		}
		for m, h := range got.Timed {
			if w := want.Histogram(m); h.String() != w.String() || m == Response && h.Count() == 0 {
				t.Errorf("swapped every %d events: %s has %v, want %v", every, m, h, w)
			}
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	s := NewShard(Response)
	s.FailOp(results.CauseMissing, 1)
	if n := testing.AllocsPerRun(100, func() {
		s.Time(Response, time.Millisecond)
		s.FailOp(results.CauseMissing, 1)
		s.Swap().Reset()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
