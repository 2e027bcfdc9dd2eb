package results

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchunit"
)

// golden compares with a file of testdata, which -update rewrites.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", path, diff)
	}
}

func benchRuns() []*Run {
	a, b := soundRun(), soundRun()
	b.Label, b.Verdict, b.Ledger = "gorilla", Invalid, nil
	b.Phases = b.Phases[:2]
	b.Phases[1].Metrics = []Metric{uniform(MetricService, 150, time.Millisecond)}
	c := soundRun()
	c.Label, c.Ledger = "gobwas", nil
	usage := Usage{Known: true, User: time.Second, System: time.Second}
	c.Phases = []Phase{
		{
			Name: "signal/window", Kind: Window, Workload: WorkloadSignal, Model: OpenLoop, Length: 10 * time.Second, Offered: 100, Achieved: 100,
			Ops: Ops{Scheduled: 1000, Completed: 1000}, Signal: &Signal{Swarms: 100, Size: 10, Contacts: 3, Candidates: 2, Relays: Ops{Scheduled: 18_000, Completed: 18_000}},
			Metrics: []Metric{uniform(MetricRelay, 18_000, time.Millisecond)}, Server: usage,
		},
		{
			Name: "broadcast/window", Kind: Window, Workload: WorkloadBroadcast, Model: OpenLoop, Length: 10 * time.Second, Offered: 20, Achieved: 20,
			Ops: Ops{Scheduled: 200, Completed: 200}, Server: usage,
			Fanout: &Fanout{Rooms: 1, Receivers: 999, Deliveries: Ops{Completed: 199_800}, PerSecond: 60_000, Bare: &BareFanout{PerSecond: 120_000}},
		},
		{
			Name: "storm/window", Kind: Window, Workload: WorkloadStorm, Model: NoLoad, Length: 10 * time.Second,
			Dials: Dials{Scheduled: 1200, Upgraded: 1000, Failed: 200},
			Storm: &Storm{By: StormRestart, Backoff: "100ms..10s", Lost: 1000, Back: 1000, Recovery: 4 * time.Second, PeakDials: 900, PeakBack: 800, Attempts: 1200, Failures: map[Cause]uint64{CauseRefused: 200}},
		},
		{
			Name: "echo/adversaries", Kind: Window, Workload: WorkloadEcho, Model: OpenLoop, Length: 10 * time.Second, Offered: 2000, Achieved: 2000,
			Ops: Ops{Scheduled: 20_000, Completed: 20_000}, Adversaries: []Adversary{{Kind: "slow", Count: 20}, {Kind: "flood", Count: 1}},
			Metrics: []Metric{uniform(MetricResponse, 20_000, 4*time.Millisecond)},
		},
	}
	return []*Run{a, b, c}
}

func TestBenchLines(t *testing.T) {
	var b bytes.Buffer
	if err := WriteBench(&b, benchRuns()...); err != nil {
		t.Fatal(err)
	}
	golden(t, "bench.txt", b.Bytes())
}

// TestBenchLinesAreReadAsBenchstatReadsThem uses the reader behind benchstat:
// every line is a result or a unit, and units are tidied to seconds and bytes.
func TestBenchLinesAreReadAsBenchstatReadsThem(t *testing.T) {
	var b bytes.Buffer
	if err := WriteBench(&b, benchRuns()...); err != nil {
		t.Fatal(err)
	}
	type key struct{ arm, verdict, name, unit string }
	got := make(map[key]float64)
	r := benchfmt.NewReader(bytes.NewReader(b.Bytes()), "bench.txt")
	results := 0
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.Result:
			results++
			for _, v := range rec.Values {
				got[key{rec.GetConfig("arm"), rec.GetConfig("verdict"), rec.Name.String(), v.Unit}] = v.Value
			}
		case *benchfmt.SyntaxError:
			t.Error(rec)
		}
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	if results != 11 { // ramp, two windows and two slopes of the first, ramp and window of the second, four windows of the third
		t.Errorf("%d benchmark lines, want 11", results)
	}
	m, _ := benchRuns()[0].Phases[1].Metric(MetricResponse)
	for k, want := range map[key]float64{
		{"netpoll", "VALID", "Ramp/conns=1000", "upgrades/s"}:                                       1000,
		{"netpoll", "VALID", "Echo/conns=1000/payload=128/rate=2000", "ops/s"}:                      2000,
		{"netpoll", "VALID", "Echo/conns=1000/payload=128/rate=2000", "response-p99-sec"}:           m.P99.Seconds(),
		{"netpoll", "VALID", "Echo/conns=1000/payload=128/rate=2000", "server-cpu-sec/op"}:          3.0 / 20_000,
		{"netpoll", "VALID", "EchoClosed/conns=1000/payload=128/inflight=50", "client-cpu-sec/op"}:  5.0 / 50_000,
		{"netpoll", "VALID", "Ledger/item=server.rss/kind=settled", "B/conn"}:                       5000,
		{"gorilla", "INVALID", "Echo/conns=1000/payload=128/rate=2000", "service-max-sec"}:          0.001000447,
		{"gorilla", "INVALID", "Echo/conns=1000/payload=128/rate=2000", "service-p99-sec"}:          0.000993,
		{"netpoll", "VALID", "EchoClosed/conns=1000/payload=128/inflight=50", "service-p99.99-sec"}: 0.02,
		{"netpoll", "VALID", "Echo/conns=1000/payload=128/rate=2000", "response-p99.99-sec"}:        0.004,
		{"netpoll", "VALID", "Echo/conns=1000/payload=128/rate=2000", "lag-p50-sec"}:                50.5e-6,
		{"netpoll", "VALID", "Ledger/item=client.rss/kind=settled", "B/conn"}:                       100,
		{"netpoll", "VALID", "EchoClosed/conns=1000/payload=128/inflight=50", "ops/s"}:              5000,
		{"gorilla", "INVALID", "Ramp/conns=1000", "dial-p50-sec"}:                                   0.0010005,
		{"netpoll", "VALID", "EchoClosed/conns=1000/payload=128/inflight=50", "service-p50-sec"}:    0.01,

		{"gobwas", "VALID", "Signal/conns=1000/payload=128/rate=100/swarm=10/contacts=3", "relays/s"}:                     1800,
		{"gobwas", "VALID", "Broadcast/conns=1000/payload=128/rate=20/rooms=1/receivers=999", "deliveries/s"}:             60_000,
		{"gobwas", "VALID", "Broadcast/conns=1000/payload=128/rate=20/rooms=1/receivers=999", "deliveries/bare"}:          0.5,
		{"gobwas", "VALID", "Broadcast/conns=1000/payload=128/rate=20/rooms=1/receivers=999", "deliveries/server-core-s"}: 99_900,
		{"gobwas", "VALID", "Storm/conns=1000/by=restart/backoff=100ms..10s", "all-back-sec"}:                             4,
		{"gobwas", "VALID", "Storm/conns=1000/by=restart/backoff=100ms..10s", "failed-attempts"}:                          200,
		{"gobwas", "VALID", "Echo/conns=1000/payload=128/rate=2000/adversaries=slow:20+flood:1", "response-p99-sec"}:      m.P99.Seconds(),
	} {
		if v, ok := got[k]; !ok || !near(v, want, 0.001, 0) {
			t.Errorf("%+v is %v (found: %v), want %v", k, v, ok, want)
		}
	}
	// 150 values have no p99.9.
	if v, ok := got[key{"gorilla", "INVALID", "Echo/conns=1000/payload=128/rate=2000", "service-p99.9-sec"}]; ok {
		t.Errorf("150 values have a p99.9 of %v s", v)
	}
	for unit, want := range map[string]benchunit.Class{"B/conn": benchunit.Binary, "response-p99-sec": benchunit.Decimal} {
		if got := benchunit.ClassOf(unit); got != want {
			t.Errorf("benchstat scales %s as class %v, want %v", unit, got, want)
		}
	}
	if better := r.Units().GetBetter("ops/s"); better != 1 {
		t.Errorf("benchstat takes more ops/s as better %d, want 1", better)
	}
}

func TestBenchNamesAreOneWord(t *testing.T) {
	for _, c := range []struct {
		title string
		pairs []any
		want  string
	}{
		{"echo", nil, "Echo"},
		{"echo-closed", []any{"conns", 10}, "EchoClosed/conns=10"},
		{"echo slow/1", []any{"rate", 0.0, "label", ""}, "EchoSlow1"},
		{"", []any{"rate", 2.5}, "Unnamed/rate=2.5"},
	} {
		if got := benchName(c.title, c.pairs...); got != c.want {
			t.Errorf("benchName(%q, %v) = %q, want %q", c.title, c.pairs, got, c.want)
		}
	}
}

func TestWriteBenchReportsAFullDisk(t *testing.T) {
	full := errors.New("no space left on device")
	if err := WriteBench(failing{full}, benchRuns()...); !errors.Is(err, full) {
		t.Errorf("error %v, want %v", err, full)
	}
	if err := WriteBench(failing{full}); err != nil {
		t.Errorf("nothing to write: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
