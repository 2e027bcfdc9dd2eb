package trial

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"signalbench/results"
)

// What the server's collector did in a window is what it did between the window's two
// ends. Other phases do not have it: settled readings force collections of their own.
func TestCollectorInWindows(t *testing.T) {
	t.Parallel()
	start := time.Now()
	var asked atomic.Uint64
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1) // a collection each time that somebody looks
		_ = json.NewEncoder(w).Encode(map[string]any{
			"engine": "test", "pid": os.Getpid(), "uptime_s": time.Since(start).Seconds(),
			"go": map[string]any{"gc_cycles": n, "gc_pauses": map[string]any{"buckets_ns": []int{1000, 2000}, "counts": []uint64{2 * n}}},
		})
	}))
	t.Cleanup(admin.Close)
	p := serve(t, false, nil).plan(t, Hold, Echo)
	p.Admin = admin.URL
	run, err := run(context.Background(), p, new(watch), tempo{tick: time.Hour}) // nobody looks in between
	if err != nil {
		t.Fatal(err)
	}
	windows := 0
	for _, ph := range run.Phases {
		g := ph.ServerGC
		if ph.Kind != results.Window {
			if g != nil {
				t.Errorf("%s has %+v", ph.Name, g)
			}
			continue
		}
		windows++
		if g == nil || g.Cycles != 1 || g.Count != 2 || g.Max != 2000 || g.Length < p.Window/2 {
			t.Errorf("%s of %v: %+v", ph.Name, p.Window, g)
		}
	}
	if windows != 2 {
		t.Errorf("%d windows", windows)
	}
}
