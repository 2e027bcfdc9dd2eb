package diagnose

import "testing"

// Room is what is free and what files hold for nobody; slabs, which sockets pin,
// tmpfs and what is mapped, dirty or locked are not in it.
func TestRoom(t *testing.T) {
	const meminfo = `MemTotal:       24683656 kB
MemFree:         1000000 kB
MemAvailable:    9000000 kB
Buffers:           12100 kB
Cached:          2547528 kB
Active(file):     345392 kB
Inactive(file):   205248 kB
Mlocked:           11372 kB
Dirty:             82680 kB
Writeback:          1000 kB
Mapped:            39356 kB
Shmem:             18952 kB
KReclaimable:    8660000 kB
SReclaimable:    8660000 kB
`
	got, err := ReadMemory(lay(t, map[string]string{"meminfo": meminfo}))
	if want := int64(1000000+345392+205248-82680-1000-39356) << 10; err != nil || got.Room != want || got.Total != 24683656<<10 {
		t.Errorf("%+v, %v; want room for %d B", got, err, want)
	}
	little, err := ReadMemory(lay(t, map[string]string{"meminfo": "MemTotal: 1000 kB\nMemFree: 100 kB\nMapped: 500 kB\n"}))
	if err != nil || little.Room != 100<<10 {
		t.Errorf("%+v, %v", little, err)
	}
	for name, files := range map[string]map[string]string{"no meminfo": nil, "no MemFree": {"meminfo": "MemTotal: 1000 kB\n"}} {
		if m, err := ReadMemory(lay(t, files)); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestReserve(t *testing.T) {
	for total, want := range map[int64]int64{1 << 30: 192 << 20, 24 << 30: 192 << 20, 100 << 30: 805306368} {
		if got := (Memory{Total: total}).Reserve(); got != want {
			t.Errorf("of %d B %d are kept, want %d", total, got, want)
		}
	}
}
