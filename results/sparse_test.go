package results

import (
	"testing"
	"time"
)

func TestSparseKeepsEveryBucket(t *testing.T) {
	h := NewHistogram()
	for d := LowestValue; d < 2*HighestValue; d += d/700 + 1 {
		h.Record(d)
		h.Record(d)
	}
	h.Record(time.Nanosecond)
	s := h.sparse()
	back := s.histogram()
	if !back.hdr.Equals(h.hdr) || back.Below() != 1 || back.Above() != h.Above() || h.Above() == 0 {
		t.Errorf("got  %v\nwant %v", back, h)
	}
	if len(s.buckets) == 0 || uint64(len(s.buckets)) > h.Count() {
		t.Errorf("%d buckets for %d values", len(s.buckets), h.Count())
	}
	none := NewHistogram().sparse()
	if empty := none.histogram(); empty.Count() != 0 || len(none.buckets) != 0 {
		t.Errorf("nothing became %v", empty)
	}
}

// What an interval costs while a run goes on, beside what writing it costs.
func BenchmarkInterval(b *testing.B) {
	h := NewHistogram()
	for i := range 10_000 {
		h.Record(80*time.Microsecond + time.Duration(i*i)*5)
	}
	b.Run("kept", func(b *testing.B) {
		for b.Loop() {
			h.sparse()
		}
	})
	b.Run("written", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.hdr.EncodeV2(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
