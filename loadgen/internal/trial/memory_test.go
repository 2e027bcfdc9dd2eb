package trial

import (
	"context"
	"runtime"
	"testing"
	"time"

	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/target"
	"signalbench/results"
)

// What the generator takes in user space for each connection, with tables of
// 20,000 descriptors, leaves room for the runtime below the 128 B that the doctor
// counts with. A tenth of 2.8 million connections is enough to tell: all of it is
// for each connection or for each lane.
func TestMemoryPerConnection(t *testing.T) {
	const conns, groups, claim = 280_000, 14, 100
	tg, err := target.Resolve(context.Background(), []string{"ws://127.0.0.1:1/"}, "")
	if err != nil {
		t.Fatal(err)
	}
	p := &Plan{Target: tg, Conns: conns, Lanes: 1, Groups: groups, Pending: 1024, Payload: 128, DialTimeout: time.Second}
	taken := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapInuse + m.StackInuse)
	}
	before := taken()
	f, err := launch(t.Context(), p, func() time.Duration { return 0 }, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer f.stop()
	phases := []*phase{newPhase(p.loops(), results.Phase{}, record.Dial, record.Connect, record.Upgrade, record.FirstEcho)}
	if err := f.each(func(c *crew) {
		for d := 20 * time.Microsecond; d < 2*time.Second; d *= 2 {
			for m := range record.Metric(record.FirstEcho + 1) {
				phases[0].shards[c.Index].Time(m, d)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	each := float64(taken()-before) / conns
	runtime.KeepAlive(phases)
	t.Logf("%.1f B for each of %d connections", each, conns)
	if each > claim {
		t.Errorf("%.1f B for each connection, over %d", each, claim)
	}
}
