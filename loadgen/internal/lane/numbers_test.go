package lane

import (
	"testing"

	"signalbench/loadgen/internal/wire"
)

// The lanes of a run have each of its connections once, whatever the stretches, and
// Local finds the first that is not before a number.
func TestNumbers(t *testing.T) {
	for _, tc := range []struct{ total, lanes, chunk, first uint32 }{{20, 1, 1, 0}, {20, 3, 1, 5}, {21, 2, 5, 0}, {40, 3, 4, 7}, {9, 2, 10, 0}} {
		seen := make(map[uint32]bool)
		for i := range tc.lanes {
			conns := 0
			for n := range tc.total {
				if n/tc.chunk%tc.lanes == i {
					conns++
				}
			}
			l := &Lane{Config: Config{First: tc.first + i*tc.chunk, Stride: tc.lanes * tc.chunk, Chunk: tc.chunk, Conns: conns}}
			for c := range wire.Conn(conns) {
				n := l.Global(c)
				if seen[n] || n < tc.first || n >= tc.first+tc.total {
					t.Fatalf("%+v: lane %d: connection %d is number %d", tc, i, c, n)
				}
				seen[n] = true
				if (n-tc.first)/tc.chunk%tc.lanes != i {
					t.Errorf("%+v: stretch of %d on lane %d", tc, n, i)
				}
			}
			for n := range tc.first + tc.total + 2*tc.chunk {
				want := wire.Conn(0)
				for want < wire.Conn(conns) && l.Global(want) < n {
					want++
				}
				if got := l.Local(n); got != want {
					t.Errorf("%+v: lane %d: Local(%d) = %d, want %d", tc, i, n, got, want)
				}
			}
		}
		if len(seen) != int(tc.total) {
			t.Errorf("%+v: %d of %d numbers", tc, len(seen), tc.total)
		}
	}
}
