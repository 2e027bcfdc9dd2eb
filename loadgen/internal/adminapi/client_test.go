package adminapi

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"signalbench/results"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const answer = `{"engine":"gorilla","pid":17,"uptime_s":1.5,"news":{"from":"a later version"},
 "connections":{"accepted":5,"upgraded":4,"open":3,"closed":1,"failed":1,"unheard":9},
 "go":{"version":"go1.26","gomaxprocs":2,"goroutines":7,"heap_bytes":1000,"heap_live_bytes":900,"stacks_bytes":50,"gc_cycles":4,
       "gc_pauses":{"count":3,"p50_ns":100,"p99_ns":200,"max_ns":200,"buckets_ns":[0,100,200],"counts":[2,1]}},
 "process":{"rss_bytes":4096,"pss_bytes":2048,"anon_bytes":1024,"descriptors":9,"user_ns":5,"system_ns":6},
 "config":{"max-conns":10}}`

func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c := New(s.URL + "/")
	t.Cleanup(c.Close)
	return c
}

func TestStatsAndSettleAskTheirPaths(t *testing.T) {
	var asked []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		fmt.Fprint(w, answer)
	})
	stats, err := c.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := &Stats{
		Engine: "gorilla", PID: 17, Uptime: 1.5,
		Connections: Connections{Accepted: 5, Upgraded: 4, Open: 3, Closed: 1, Failed: 1},
		Go: &Go{
			Version: "go1.26", GOMAXPROCS: 2, Goroutines: 7, Heap: 1000, HeapLive: 900, Stacks: 50, GCCycles: 4,
			Pauses: GCPauses{Count: 3, P50: 100, P99: 200, Max: 200, Buckets: []time.Duration{0, 100, 200}, Counts: []uint64{2, 1}},
		},
		Process: &Process{RSS: 4096, PSS: 2048, Anon: 1024, Descriptors: 9, User: 5, System: 6},
		Config:  map[string]any{"max-conns": 10.0},
	}
	if diff := cmp.Diff(want, stats); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	if _, err := c.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"GET /stats", "POST /settle"}, asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestServerThatTellsLittleIsFine(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"engine":"elsewhere"}`) })
	stats, err := c.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if stats.Engine != "elsewhere" || stats.Go != nil || stats.Process != nil {
		t.Errorf("got %+v", stats)
	}
}

func TestErrorsNameTheURL(t *testing.T) {
	for _, c := range []struct {
		name, want string
		h          http.HandlerFunc
	}{
		{"not found", "answered 404 Not Found", http.NotFound},
		{"no JSON", "answered no stats", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") }},
		{"endless", "more than 4 MiB", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, strings.Repeat(" ", maxAnswer+1))
		}},
		{"cut", "unexpected EOF", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "{")
		}},
	} {
		client := serve(t, c.h)
		_, err := client.Stats(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), client.URL()+"/stats") {
			t.Errorf("%s: error %v, want %q and the URL", c.name, err, c.want)
		}
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	if _, err := New(gone.URL).Stats(t.Context()); err == nil || !strings.Contains(err.Error(), gone.URL) {
		t.Errorf("nobody listens: error %v does not name %s", err, gone.URL)
	}
}

func TestContextEndsTheWait(t *testing.T) {
	release := make(chan struct{})
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Settle(ctx); err == nil {
		t.Error("Settle outlives its context")
	}
}

func TestSchemeMayBeLeftOut(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:8081": "http://127.0.0.1:8081", "http://h:1/": "http://h:1", "https://h:1": "https://h:1",
	} {
		if got := New(in).URL(); got != want {
			t.Errorf("New(%q).URL() = %q, want %q", in, got, want)
		}
	}
}

func TestPausesSince(t *testing.T) {
	at := func(cycles uint64, counts ...uint64) *Stats {
		return &Stats{Go: &Go{GCCycles: cycles, Pauses: GCPauses{Buckets: []time.Duration{0, 100, 1000, 10_000}, Counts: counts}}}
	}
	trimmed := func(cycles uint64, buckets []time.Duration, counts ...uint64) *Stats {
		return &Stats{Go: &Go{GCCycles: cycles, Pauses: GCPauses{Buckets: buckets, Counts: counts}}}
	}
	for _, c := range []struct {
		name     string
		old, now *Stats
		want     *results.GCPauses
	}{
		{"empty ends left out", trimmed(1, []time.Duration{100, 1000}, 3), at(9, 1, 5, 1), &results.GCPauses{Processes: 1, Cycles: 8, Pauses: results.Pauses{Count: 4, P50: 1000, P99: 10_000, Max: 10_000}}},
		{"no pause before", trimmed(0, []time.Duration{}), at(2, 1, 1, 0), &results.GCPauses{Processes: 1, Cycles: 2, Pauses: results.Pauses{Count: 2, P50: 100, P99: 1000, Max: 1000}}},
		{"other buckets", trimmed(1, []time.Duration{100, 500}, 3), at(9, 1, 5, 1), nil},
		{"a bucket that is gone", at(1, 1, 0, 0), trimmed(9, []time.Duration{100, 1000}, 3), nil},
		{"between two", at(5, 50, 1, 0), at(9, 148, 2, 1), &results.GCPauses{Processes: 1, Cycles: 4, Pauses: results.Pauses{Count: 100, P50: 100, P99: 1000, Max: 10_000}}},
		{"none", at(5, 1, 1, 1), at(5, 1, 1, 1), &results.GCPauses{Processes: 1}},
		{"restarted", at(5, 50, 1, 0), at(1, 1, 0, 0), nil},
		{"restarted and busier", at(5, 50, 1, 0), at(9, 10, 2, 0), nil},
		{"no Go program", at(5, 1, 1, 1), &Stats{}, nil},
		{"no earlier answer", nil, at(5, 1, 1, 1), nil},
		{"not one more bound than counts", at(5, 1, 1), at(6, 1, 1), nil},
	} {
		if diff := cmp.Diff(c.want, c.now.PausesSince(c.old), cmpopts.IgnoreFields(results.Pauses{}, "Buckets", "Counts")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestRuntimeSince(t *testing.T) {
	at := func(uptime float64, cycles uint64, cpu, all time.Duration, other ...uint64) *Stats {
		bounds := []time.Duration{0, 100, 1000}
		return &Stats{Uptime: uptime, Shards: make([]struct{}, 3), Process: &Process{User: all, System: all}, Go: &Go{
			GOGC: 50, MemoryLimit: -1, GCCycles: cycles, GCCPU: cpu,
			Pauses: GCPauses{Buckets: bounds, Counts: []uint64{cycles, cycles}}, OtherPauses: &GCPauses{Buckets: bounds, Counts: other},
		}}
	}
	want := &results.GCPauses{
		GOGC: 50, MemoryLimit: -1, Processes: 3, Length: 2 * time.Second, Cycles: 4, GCCPU: 3, CPU: 20,
		Pauses: results.Pauses{Count: 8, P50: 100, P99: 1000, Max: 1000, Buckets: []time.Duration{0, 100, 1000}, Counts: []uint64{4, 4}},
		Other:  &results.Pauses{Count: 2, P50: 1000, P99: 1000, Max: 1000, Buckets: []time.Duration{100, 1000}, Counts: []uint64{2}},
	}
	if diff := cmp.Diff(want, at(3, 5, 7, 30, 1, 2).PausesSince(at(1, 1, 4, 20, 1, 0))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzStats(f *testing.F) {
	f.Add(answer)
	f.Add(`{"go":{"gc_pauses":{"buckets_ns":[5],"counts":[1,2]}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			_, _ = w.WriteString(body)
			return w.Result(), nil
		})
		c := &Client{base: "http://h", http: &http.Client{Transport: transport}}
		s, err := c.Stats(t.Context())
		if (s == nil) == (err == nil) {
			t.Fatalf("stats %v and error %v", s, err)
		}
		if s != nil {
			s.PausesSince(s)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
