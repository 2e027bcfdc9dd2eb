package sock

import "testing"

func TestTables(t *testing.T) {
	for _, c := range []struct{ conns, limit, want int }{
		{1, 20_000, 1},
		{19_935, 20_000, 1}, // 64 of its own, and one wake-up
		{19_936, 20_000, 2},
		{1_000_000, 20_000, 51},
		{2_800_000, 20_000, 142},
		{2_000, 600, 4},
	} {
		got := Tables(c.conns, c.limit)
		if got != c.want {
			t.Errorf("%d connections with tables of %d: %d tables, want %d", c.conns, c.limit, got, c.want)
		}
		if room := c.limit - ownDescriptors - got; got*room < c.conns {
			t.Errorf("%d tables of %d do not hold %d connections", got, c.limit, c.conns)
		}
	}
}

// Where no number of tables will do, it is the one that comes nearest.
func TestTablesMost(t *testing.T) {
	for _, limit := range []int{60, 64, 65, 68, 600} {
		best, holds := 1, limit-ownDescriptors-1
		for n := 1; n < limit; n++ {
			if here := n * (limit - ownDescriptors - n); here > holds {
				best, holds = n, here
			}
		}
		if got := Tables(1<<40, limit); got != best {
			t.Errorf("limit %d: %d tables, the most hold %d", limit, got, best)
		}
	}
}
