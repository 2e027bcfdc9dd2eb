package namemap

import (
	"maps"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
)

// It is what a map is, also while it shrinks.
func TestMap(t *testing.T) {
	t.Parallel()
	var m Map[int]
	want := make(map[string]int)
	for i := range 60_000 {
		name := strconv.Itoa(rand.IntN(5_000))
		// First there are ever more, then ever less.
		if set := rand.IntN(60_000) > i; set {
			m.Set(name, i)
			want[name] = i
		} else {
			m.Delete(name)
			delete(want, name)
		}
		if m.Get(name) != want[name] || m.Len() != len(want) {
			t.Fatalf("step %d: %d of %d, want %d of %d", i, m.Get(name), m.Len(), want[name], len(want))
		}
	}
	for name := range want {
		if len(want) > 10 {
			delete(want, name)
			m.Delete(name)
		}
	}
	if !maps.Equal(m.entries, want) {
		t.Errorf("left is %v, want %v", m.entries, want)
	}
}

func TestMapGivesMemoryBack(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	const n = 100_000
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	var m Map[int]
	before := heap()
	for i, name := range names {
		m.Set(name, i)
	}
	full := heap() - before
	for _, name := range names[1:] {
		m.Delete(name)
	}
	if left := heap() - before; left > full/20 {
		t.Errorf("%d of %d B are left with one of %d names", left, full, n)
	}
	if m.Get("0") != 0 || m.Len() != 1 {
		t.Errorf("%d names are left", m.Len())
	}
	runtime.KeepAlive(names)
}
