package record

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"signalbench/results"
)

// However a stream of events is cut into intervals, the total is the same.
func TestIntervalsAddUp(t *testing.T) {
	const events = 600 // more than a shard of a pool keeps to itself
	happen := func(s *Shard, i int) {
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
		case 4:
			s.FailDelivery(results.CauseCorrupt, 2)
			s.Deliveries.Scheduled, s.Deliveries.Corrupt = s.Deliveries.Scheduled+2, s.Deliveries.Corrupt+2
			fallthrough
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
	run := func(shard *Shard, every int) *Set {
		total := NewSet(Response, Lag)
		collect := func() {
			set := shard.Swap()
			total.Add(set)
			set.Reset()
		}
		for i := range events {
			happen(shard, i)
			if i%every == 0 {
				collect()
			}
		}
		collect()
		collect() // nothing came since
		return total
	}
	want := run(NewShard(Response, Lag), 1_000_000)
	if o := want.Ops; o.Scheduled != events || o.Failed != events/10 || o.Dropped != events/10 || o.Completed != events*6/10 || o.Causes[results.CauseMissing] != events/10 || want.Deliveries.Causes[results.CauseCorrupt] != events/5 {
		t.Fatalf("counted %+v", o)
	}
	for _, every := range []int{1, 7, 50, 700, 1_000_000} {
		for name, shard := range map[string]*Shard{"alone": NewShard(Response, Lag), "of a pool": NewPool(Response, Lag).Shard()} {
			got := run(shard, every)
			if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Set{})); d != "" {
				t.Errorf("%s, swapped every %d events:\n%s", name, every, d)
			}
			for m, h := range got.Timed {
				if w := want.Histogram(m); h.String() != w.String() || m == Response && h.Count() == 0 {
					t.Errorf("%s, swapped every %d events: %s has %v, want %v", name, every, m, h, w)
				}
			}
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, s := range []*Shard{NewShard(Response), NewPool(Response).Shard()} {
		s.FailOp(results.CauseMissing, 1)
		if n := testing.AllocsPerRun(100, func() {
			for range 2 * noteLimit {
				s.Time(Response, time.Millisecond)
			}
			s.FailOp(results.CauseMissing, 1)
			s.Swap().Reset()
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

// Lanes that share histograms lose nothing, and get the shortest and the longest
// times right, also those that are outside of the range.
func TestPoolOfManyLanes(t *testing.T) {
	const lanes, each = 20, 3 * noteLimit
	p := NewPool(Response, Lag)
	total := NewSet(Response, Lag)
	var wait sync.WaitGroup
	shards := make([]*Shard, lanes)
	for i := range shards {
		shards[i] = p.Shard()
		wait.Go(func() {
			for n := range each {
				shards[i].Time(Response, time.Duration(n)*time.Second)
				shards[i].Time(Lag, -time.Second)
			}
		})
	}
	wait.Wait()
	for _, s := range shards {
		total.Add(s.Swap())
	}
	r, lag := total.Histogram(Response), total.Histogram(Lag)
	if r.Count() != lanes*60 || r.Below() != lanes || r.Above() != lanes*(each-61) || r.Min().Round(time.Second) != time.Second || r.Max().Round(time.Second) != time.Minute {
		t.Errorf("response %v", r)
	}
	if lag.Below() != lanes*each {
		t.Errorf("lag %v", lag)
	}
}

// A hundred lanes that share histograms take less than ten would with their own.
func TestPoolIsLean(t *testing.T) {
	p := NewPool(Response, Service, Lag)
	shards := make([]*Shard, 100)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range shards {
		shards[i] = p.Shard()
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / uint64(len(shards)); each > 6<<10 {
		t.Errorf("a shard takes %d B", each)
	}
}
