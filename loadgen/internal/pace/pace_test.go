package pace

import (
	"testing"
	"time"
)

func TestDue(t *testing.T) {
	const s = time.Second
	type at struct {
		n   uint64
		due time.Duration
		ok  bool
	}
	for _, tc := range []struct {
		name string
		s    Schedule
		want []at
	}{
		{"constant", Constant{Rate: 4, Length: s}, []at{{0, 0, true}, {1, s / 4, true}, {3, 3 * s / 4, true}, {4, s, false}, {1 << 40, 0, false}}},
		{"constant without end", Constant{Rate: 1000}, []at{{1_000_000, 1000 * s, true}, {1_000_001, 1000*s + time.Millisecond, true}}},
		{"constant below one a second", Constant{Rate: 0.5, Length: 5 * s}, []at{{0, 0, true}, {2, 4 * s, true}, {3, 6 * s, false}}},
		{"constant without rate", Constant{Length: s}, []at{{0, 0, false}}},
		{"rising from nothing", Linear{From: 0, To: 10, Length: 10 * s}, []at{{0, 0, true}, {5, 3162277660, true}, {20, 6324555320, true}, {49, 9899494936, true}, {50, 10 * s, false}}},
		{"flat", Linear{From: 10, To: 10, Length: s}, []at{{0, 0, true}, {9, 900 * time.Millisecond, true}, {10, s, false}}},
		{"falling to nothing", Linear{From: 10, To: 0, Length: 2 * s}, []at{{0, 0, true}, {5, 585786437, true}, {11, 0, false}}},
		{"silent", Linear{Length: s}, []at{{0, 0, false}}},
		{"burst", Burst{3}, []at{{0, 0, true}, {2, 0, true}, {3, 0, false}}},
		{"first", First{Constant{Rate: 1}, 2}, []at{{1, s, true}, {2, 0, false}}},
		{"share", Share{Constant{Rate: 10, Length: s}, 1, 4}, []at{{0, s / 10, true}, {1, s / 2, true}, {2, 9 * s / 10, true}, {3, 0, false}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, w := range tc.want {
				due, ok := tc.s.Due(w.n)
				if ok != w.ok || ok && (due-w.due).Abs() > time.Microsecond {
					t.Errorf("operation %d is due at %v, %v; want %v, %v", w.n, due, ok, w.due, w.ok)
				}
			}
		})
	}
}

// The parts of a schedule are the schedule: each operation exactly once, in order.
func TestSharesCoverTheSchedule(t *testing.T) {
	for _, whole := range []Schedule{
		Constant{Rate: 333, Length: time.Second},
		Linear{From: 10, To: 700, Length: time.Second},
		Linear{From: 700, To: 10, Length: time.Second},
		First{Burst{500}, 101},
	} {
		for parts := uint64(1); parts <= 5; parts++ {
			seen := 0
			for i := range parts {
				last := time.Duration(-1)
				for n := uint64(0); ; n++ {
					due, ok := Share{whole, i, parts}.Due(n)
					if !ok {
						break
					}
					if due < last {
						t.Fatalf("%#v part %d of %d: operation %d is due at %v, before the one ahead of it at %v", whole, i, parts, n, due, last)
					}
					last = due
					seen++
				}
			}
			total := 0
			for n := uint64(0); ; n++ {
				if _, ok := whole.Due(n); !ok {
					break
				}
				total++
			}
			if seen != total || total == 0 {
				t.Errorf("%#v in %d parts has %d operations, whole %d", whole, parts, seen, total)
			}
		}
	}
}

func TestRateText(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want Rate
		out  string
	}{
		{"5000/s", 5000, "5000/s"}, {"5k/s", 5000, "5000/s"}, {"1.5M/s", 1.5e6, "1500000/s"},
		{"600/m", 10, "10/s"}, {"42", 42, "42/s"}, {"max", Max, "max"}, {"0.5/s", 0.5, "0.5/s"},
	} {
		var r Rate
		if err := r.UnmarshalText([]byte(tc.in)); err != nil || r != tc.want || r.String() != tc.out {
			t.Errorf("%q is %v (%s), %v; want %v (%s)", tc.in, float64(r), r, err, float64(tc.want), tc.out)
		}
	}
	for _, in := range []string{"", "fast", "-1/s", "0", "0/s", "5/h", "NaN", "Inf/s", "5000/"} {
		var r Rate
		if err := r.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q was taken for %v", in, r)
		}
	}
}
