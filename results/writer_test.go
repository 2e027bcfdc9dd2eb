package results

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// writeRun writes a small run into dir: two seconds of responses.
func writeRun(t *testing.T, dir string) *Run {
	t.Helper()
	w, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	run := sampleRun()
	w.Begin(run.Started)
	total, second := NewHistogram(), NewHistogram()
	for s := range 2 {
		second.Reset()
		for i := range 1000 {
			second.Record(time.Duration(100+i) * time.Microsecond)
		}
		second.Record(0)
		if err := w.Interval("echo/window", MetricResponse, time.Duration(s)*time.Second, time.Second, second); err != nil {
			t.Fatal(err)
		}
		if err := w.Series(SeriesRow{At: time.Duration(s+1) * time.Second, Phase: "echo/window", Connected: 10, Sent: 1000.5, ServerRSS: -1}); err != nil {
			t.Fatal(err)
		}
		total.Merge(second)
	}
	run.Phases[1].Metrics = []Metric{total.Metric(MetricResponse, HlogFile("echo/window", MetricResponse))}
	if err := w.Finish(run); err != nil {
		t.Fatal(err)
	}
	return run
}

// sampleRun is a run that Judge finds nothing wrong with.
func sampleRun() *Run {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	return &Run{
		Schema: SchemaRun, ID: "20261122T100000Z", Label: "netpoll", Started: start, Ended: start.Add(10 * time.Second),
		Spec: Spec{Conns: 10, Payload: 128, Lanes: 1, Workloads: []string{"echo"}, Rate: 1001},
		Env:  Env{Arch: "amd64", CPU: "Some CPU @ 2.0 GHz", Kernel: "6.18.44", Cores: 2},
		Phases: []Phase{
			{
				Name: "ramp", Kind: Ramp, Model: NoLoad, Length: time.Second,
				Dials: Dials{Scheduled: 10, Upgraded: 10},
			},
			{
				Name: "echo/window", Kind: Window, Workload: "echo", Model: OpenLoop, Start: time.Second, Length: 2 * time.Second,
				Ops: Ops{Scheduled: 2002, Completed: 2002}, Offered: 1001, Achieved: 1001,
				Client: Usage{Known: true, User: 200 * time.Millisecond},
				Server: Usage{Known: true, User: 300 * time.Millisecond, System: 100 * time.Millisecond},
			},
		},
		Findings: []Finding{},
		Verdict:  Valid,
	}
}

func TestRunComesBackAsItWasWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "parent", "run")
	want := writeRun(t, dir)
	got, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run.json (-written +read):\n%s", diff)
	}

	m := got.Phases[1].Metrics[0]
	h, err := OpenHistogram(dir, m.File)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, h.Metric(m.Name, m.File)); diff != "" {
		t.Errorf("the log does not reproduce the metric (-run.json +log):\n%s", diff)
	}
	intervals, err := OpenIntervals(dir, m.File)
	if err != nil {
		t.Fatal(err)
	}
	if len(intervals) != 2 || intervals[1].Start != time.Second || intervals[1].Length != time.Second ||
		intervals[1].Histogram.Count() != 1000 || intervals[1].Histogram.Below() != 1 {
		t.Errorf("intervals are %+v", intervals)
	}

	rows, err := OpenSeries(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantRow := SeriesRow{At: 2 * time.Second, Phase: "echo/window", Connected: 10, Sent: 1000.5, ServerRSS: -1}
	if len(rows) != 2 || rows[1] != wantRow {
		t.Errorf("series is %+v, want the second row %+v", rows, wantRow)
	}
	onlyEntry(t, filepath.Dir(dir), "run")
}

func onlyEntry(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("%s holds (-want +got):\n%s", dir, diff)
	}
}

func TestCreateRefusesWhatItCannotWrite(t *testing.T) {
	parent := t.TempDir()
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	existing := filepath.Join(parent, "existing")
	if err := os.Mkdir(existing, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, dir, want string }{
		{"existing folder", existing, existing + " exists already"},
		{"existing file", file, file + " exists already"},
		{"parent is a file", filepath.Join(file, "run"), "not a directory"},
		{"no such file system", "/proc/nowhere/run", "creating results: "},
	} {
		w, err := Create(c.dir)
		if err == nil {
			t.Errorf("%s: Create(%q) made it", c.name, c.dir)
			_ = w.Abort()
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q does not say %q", c.name, err, c.want)
		}
	}
	onlyEntry(t, parent, "existing", "file")
}

func TestAbortLeavesNothing(t *testing.T) {
	parent := t.TempDir()
	w, err := Create(filepath.Join(parent, "run"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Interval("ramp", MetricDial, 0, time.Second, NewHistogram()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Abort(); err != nil {
			t.Fatal(err)
		}
	}
	onlyEntry(t, parent)
}

func TestAbortAfterFinishKeepsTheRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(sampleRun()); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err != nil {
		t.Error(err)
	}
}

func TestLeftoverOfACrashBlocksNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	crashed, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	writeRun(t, dir) // while the first is still there
	if _, err := Open(dir); err != nil {
		t.Error(err)
	}
	// The first finds its name taken and keeps what it has.
	err = crashed.Finish(sampleRun())
	if err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Fatalf("finishing over another run: %v", err)
	}
	_, kept, _ := strings.Cut(err.Error(), "what was measured is in ")
	kept, _, _ = strings.Cut(kept, ")")
	if _, err := Open(kept); err != nil {
		t.Errorf("the error names %q, which is no run: %v", kept, err)
	}
}

func TestFinishFindsAMetricThatItsLogDoesNotHold(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Metric)
	}{
		{"count", func(m *Metric) { m.Count++ }},
		{"below", func(m *Metric) { m.Below++ }},
		{"above", func(m *Metric) { m.Above++ }},
		{"file", func(m *Metric) { m.File = "other.hlog" }},
	} {
		w, err := Create(filepath.Join(t.TempDir(), "run"))
		if err != nil {
			t.Fatal(err)
		}
		h := NewHistogram()
		h.Record(time.Millisecond)
		if err := w.Interval("echo/window", MetricService, 0, time.Second, h); err != nil {
			t.Fatal(err)
		}
		m := h.Metric(MetricService, HlogFile("echo/window", MetricService))
		c.change(&m)
		run := sampleRun()
		run.Phases[1].Metrics = []Metric{m}
		if err := w.Finish(run); err != nil {
			t.Fatal(err)
		}
		got, err := Open(w.Dir())
		if err != nil {
			t.Fatal(err)
		}
		if got.Verdict != Invalid || len(got.Findings) != 1 || got.Findings[0].Check != "histogram" {
			t.Errorf("%s: verdict %s with %+v", c.name, got.Verdict, got.Findings)
		}
	}
}
