package results

import "github.com/HdrHistogram/hdrhistogram-go"

// A sparse is a histogram at rest: the buckets that hold something, and no others.
type sparse struct {
	buckets      []int32
	counts       []int64 // of the same length
	below, above uint64
}

// sparse returns what h holds. It copies the buckets and looks at them itself: the
// library's ways to walk them take as long as to compress them does.
func (h *Histogram) sparse() sparse {
	s := sparse{below: h.below, above: h.above}
	for i, n := range h.hdr.Export().Counts {
		if n != 0 {
			s.buckets, s.counts = append(s.buckets, int32(i)), append(s.counts, n)
		}
	}
	return s
}

// histogram returns what s was made of.
func (s *sparse) histogram() *Histogram {
	whole := hdrhistogram.New(unit, int64(HighestValue), digits).Export()
	for i, b := range s.buckets {
		whole.Counts[b] = s.counts[i]
	}
	h := histogramOf(hdrhistogram.Import(whole))
	h.below, h.above = s.below, s.above
	return h
}
