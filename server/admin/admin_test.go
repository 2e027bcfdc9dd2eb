package admin_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"signalbench/server/admin"
	"signalbench/server/engine"
)

func TestMain(m *testing.M) {
	// How net/http ends a connection whose request it did not read to the end.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// start serves a source and returns its URL.
func start(t *testing.T, s *admin.Source) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- admin.Serve(ctx, l, admin.Handler(s, s.Service.(*fakeService))) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
	return "http://" + l.Addr().String()
}

func source() *admin.Source {
	s := &admin.Source{Engine: "gorilla", Started: time.Now(), Stats: new(engine.Stats), Service: new(fakeService), Config: map[string]any{"max-conns": 10}}
	for i, c := range []interface{ Add(uint64) uint64 }{
		&s.Stats.Accepted, &s.Stats.Upgraded, &s.Stats.Closed, &s.Stats.Failed, &s.Stats.Refused,
		&s.Stats.Evicted, &s.Stats.Dropped, &s.Stats.TimedOut, &s.Stats.AcceptErrors,
	} {
		c.Add(uint64(i + 1))
	}
	s.Stats.Open.Add(-7)
	return s
}

// touched returns n bytes that are resident.
func touched(n int) []byte {
	p := make([]byte, n)
	for i := 0; i < n; i += 4096 {
		p[i] = 1
	}
	return p
}

func ask(t *testing.T, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func stats(t *testing.T, method, url string) (s admin.Stats) {
	t.Helper()
	status, body := ask(t, method, url)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, url, status, body)
	}
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStatsAreThoseOfThisProcess(t *testing.T) {
	url := start(t, source())
	held := touched(32 << 20)
	before := stats(t, "GET", url+"/stats")
	var files []*os.File
	for range 20 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
	}
	release := make(chan struct{})
	defer close(release)
	for range 50 {
		go func() { <-release }()
	}
	runtime.GC()
	s := stats(t, "GET", url+"/stats")
	runtime.KeepAlive(held)
	runtime.KeepAlive(files)

	if want := (admin.Connections{Accepted: 1, Upgraded: 2, Open: -7, Closed: 3, Failed: 4, Refused: 5,
		Evicted: 6, DroppedMessages: 7, TimedOut: 8, AcceptErrors: 9}); s.Connections != want {
		t.Errorf("connections (-want +got):\n%s", cmp.Diff(want, s.Connections))
	}
	if s.Engine != "gorilla" || s.PID != os.Getpid() || s.Uptime <= 0 || s.Uptime > 600 || s.Config["max-conns"] != 10.0 {
		t.Errorf("who: %+v", s)
	}
	if diff := cmp.Diff(new(fakeService).Stats(), s.Service); diff != "" {
		t.Errorf("service (-want +got):\n%s", diff)
	}
	if g := s.Go; g.Version != runtime.Version() || g.GOMAXPROCS != runtime.GOMAXPROCS(0) || g.GCCycles == 0 ||
		g.HeapLive < 32<<20 || g.Heap < 32<<20 || g.Stacks == 0 || g.Runtime < g.Heap+g.Stacks {
		t.Errorf("runtime: %+v", g)
	}
	if n := s.Go.Goroutines - before.Go.Goroutines; n < 45 || n > 55 {
		t.Errorf("50 goroutines more show as %d", n)
	}
	if n := s.Process.Descriptors - before.Process.Descriptors; n < 18 || n > 22 {
		t.Errorf("20 descriptors more show as %d", n)
	}
	if p := s.Process; p.RSS < 32<<20 || p.PSS > p.RSS || p.Anon > p.RSS || p.Anon < 32<<20 || p.User <= 0 || p.System < 0 {
		t.Errorf("process: %+v", p)
	}
}

func TestSettleReturnsMemory(t *testing.T) {
	url := start(t, source())
	held := touched(64 << 20)
	before := stats(t, "GET", url+"/stats")
	runtime.KeepAlive(held)
	held = nil
	after := stats(t, "POST", url+"/settle")
	if freed := before.Process.Anon - after.Process.Anon; freed < 60<<20 {
		t.Errorf("of 64 MiB that nobody holds, %d B were returned", freed)
	}
	if n := after.Go.GCCycles - before.Go.GCCycles; n < 2 {
		t.Errorf("%d collections", n)
	}
	if status, _ := ask(t, "GET", url+"/settle"); status != http.StatusMethodNotAllowed {
		t.Errorf("GET /settle: status %d", status)
	}
}

func TestPausesAddUp(t *testing.T) {
	url := start(t, source())
	runtime.GC()
	p := stats(t, "GET", url+"/stats").Go.GCPauses
	if p.Count == 0 || len(p.Buckets) != len(p.Counts)+1 {
		t.Fatalf("%+v", p)
	}
	var sum uint64
	for i, n := range p.Counts {
		sum += n
		if p.Buckets[i] >= p.Buckets[i+1] {
			t.Errorf("bucket %d is from %v to %v", i, p.Buckets[i], p.Buckets[i+1])
		}
	}
	if sum != p.Count || p.Counts[0] == 0 || p.Counts[len(p.Counts)-1] == 0 {
		t.Errorf("%d pauses in %v", p.Count, p.Counts)
	}
	if p.P50 > p.P99 || p.P99 > p.Max || p.Max != p.Buckets[len(p.Buckets)-1] {
		t.Errorf("p50 %v, p99 %v, max %v", p.P50, p.P99, p.Max)
	}
}

func TestMetricsAndProfiles(t *testing.T) {
	url := start(t, source())
	status, body := ask(t, "GET", url+"/metrics")
	for _, line := range []string{
		"signalbench_connections_accepted_total 1\n",
		"signalbench_connections_open -7\n",
		"signalbench_handshakes_ended_total{how=\"refused\"} 5\n",
		"process_open_fds ",
		"signalbench_rooms 1\n",
		"signalbench_room_refused_total{reason=\"room is full\"} 2\n",
		"signalbench_channel_subscribers 3\n",
		"signalbench_gate_refused_total{why=\"token\"} 4\n",
	} {
		if !strings.Contains(body, line) {
			t.Errorf("status %d, no line %q in\n%s", status, line, body)
		}
	}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/heap"} {
		if status, body := ask(t, "GET", url+path); status != http.StatusOK || body == "" {
			t.Errorf("GET %s: status %d", path, status)
		}
	}
	if status, _ := ask(t, "GET", url+"/"); status != http.StatusNotFound {
		t.Errorf("GET /: status %d", status)
	}
}
