package digest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/fixture"
	"signalbench/results"
)

func open(t *testing.T, repetitions int, engines ...fixture.Engine) *digest.Suite {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "suite")
	fixture.Suite(t, dir, repetitions, engines...)
	s, err := digest.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openSpoilt opens a run whose series.csv is cut.
func openSpoilt(t *testing.T) *digest.Suite {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "suite")
	fixture.Suite(t, dir, 1, fixture.Engine{Name: "x", RSS: 1, Echo: time.Millisecond, Closed: 1000, Lean: true})
	if err := os.WriteFile(filepath.Join(dir, "x", "1", "series.csv"), []byte("at_ns,ph"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := digest.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func quantity(t *testing.T, name string) digest.Quantity {
	t.Helper()
	for _, q := range digest.Quantities() {
		if q.Name == name {
			return q
		}
	}
	t.Fatalf("no quantity %q", name)
	return digest.Quantity{}
}

func TestQuantitiesOfARun(t *testing.T) {
	t.Parallel()
	s := open(t, 1, fixture.Engine{Name: "x", RSS: 5000, Echo: time.Millisecond, Closed: 40000})
	r := s.Arms[0].Runs[0]
	for name, want := range map[string][2]float64{ // lowest and highest
		"ledger.server.heap":        {2999, 3001}, // 0.6 of RSS
		"ledger.server.rss":         {4970, 5030}, // with up to 4 KiB of noise
		"ledger.server.descriptors": {1, 1},
		"ledger.kernel.server":      {3775, 3777}, // 2368+832+256+192+128: one of each
		"ramp.upgrades":             {500, 500},
		"echo.response.p50":         {0.95e6, 1.08e6},
		"echo-closed.throughput":    {40000, 40000},
		"echo.cpu.server":           {250e3, 250e3}, // 0.75 s over 3,000 messages
		"echo-closed.cpu.client":    {8333, 8334},   // 1 s over 120,000 messages
		"echo-closed.service.p50":   {1.4e6, 1.8e6}, // 64 in flight at 40,000/s
		"gc.pause.p99":              {80e3, 80e3},
		"ledger.server.goroutines":  {1, 1},
		"ramp.first-echo.p99":       {80e3, 1e6},
		"echo.response.max":         {1e6, 12e6},
		"ledger.client.rss":         {99.9, 100.1},
		"echo-closed.service.p99":   {1.4e6, 16e6},
		"ledger.server.stacks":      {1499, 1501}, // 0.3 of RSS
		"echo.cpu.client":           {333e3, 334e3},
		"ramp.connect.p50":          {54e3, 66e3},
		"echo-closed.cpu.server":    {6250, 6250},
		"echo.service.p99":          {0.95e6, 11e6},
		"echo.response.p90":         {1e6, 1.2e6},
		"ramp.upgrade.p50":          {126e3, 154e3},
		"ledger.server.pss":         {4999, 5001},
		"echo.service.p50":          {0.95e6, 1.08e6},
		"ramp.upgrade.p99":          {126e3, 1.4e6},
		"ramp.connect.p99":          {54e3, 660e3},
		"ramp.first-echo.p50":       {81e3, 99e3},
		"echo.response.p99":         {1e6, 11e6},
	} {
		v, ok := quantity(t, name).Of(r)
		if !ok || v < want[0] || v > want[1] {
			t.Errorf("%s = %v (measured: %v), want %v to %v", name, v, ok, want[0], want[1])
		}
	}
	// 150 values have no 99.9th percentile of their own.
	for _, name := range []string{"echo.response.p99.9", "ramp.tls.p50", "churn.dial.p50"} {
		if v, ok := quantity(t, name).Of(r); ok {
			t.Errorf("%s = %v, but it was not measured", name, v)
		}
	}
}

func TestQuantitiesOfRooms(t *testing.T) {
	t.Parallel()
	s := open(t, 1, fixture.Engine{Name: "x", RSS: 5000, Echo: time.Millisecond, Closed: 40000, Lean: true, Rooms: true})
	r := s.Arms[0].Runs[0]
	byName := map[string]digest.Quantity{}
	for _, q := range digest.Quantities(s) {
		if _, ok := byName[q.Name]; ok {
			t.Errorf("two quantities are called %s", q.Name)
		}
		byName[q.Name] = q
	}
	for name, want := range map[string][2]float64{ // lowest and highest
		"signal.relays":                        {1800, 1800},   // 5,400 in 3 s
		"signal.relay-cpu.server":              {138e3, 139e3}, // 0.75 s over 5,400
		"signal.cores.client":                  {0.33, 0.34},
		"signal.join.p50":                      {1.8e6, 2.2e6},
		"signal.relay.p99.9":                   {1e6, 12e6},
		"signal.answer.p99":                    {1.8e6, 22e6},
		"signal.presence.p99":                  {4.5e6, 55e6},
		"broadcast.deliveries":                 {40000, 40000},
		"broadcast.of-bare":                    {0.33, 0.34},
		"broadcast-closed.deliveries-per-core": {160e3, 160e3}, // 120,000 in 0.75 s
		"broadcast-closed.first-delivery.p50":  {0.45e6, 0.55e6},
		"broadcast-closed.service.p50":         {22.5e6, 27.5e6}, // 1,000 receivers at 40,000/s
		"broadcast.response.p50":               {22.5e6, 27.5e6},
		"broadcast.p99-delivery.p50":           {22e6, 27.5e6},
		"storm.none.all-back":                  {3e9, 3e9},
		"storm.none.peak-dials":                {1250, 1250},
		"storm.none.attempts":                  {1.25, 1.25},
		"storm.none.failed":                    {250, 250},
		"storm.100ms..10s.peak-back":           {1000, 1000},
		"storm.100ms..10s.recovery.p50":        {4.5e9, 5.5e9},
		"storm.100ms..10s.peak-rss.server":     {64 << 20, 64 << 20},
		"echo.response.p99":                    {1e6, 1.2e6},
		"echo.adversaries.response.p99":        {1.8e6, 22e6},
		"echo.adversaries.ratio":               {1.5, 20},
		"echo.adversaries.peak-rss.server":     {128 << 20, 128 << 20},
	} {
		v, ok := byName[name].Of(r)
		if !ok || v < want[0] || v > want[1] {
			t.Errorf("%s = %v (measured: %v), want %v to %v", name, v, ok, want[0], want[1])
		}
	}
	if _, ok := byName["signal.adversaries.ratio"].Of(r); ok {
		t.Error("signaling had no adversaries, but has a ratio to them")
	}
}

func TestQuantitiesOfPush(t *testing.T) {
	t.Parallel()
	s := open(t, 1, fixture.Engine{Name: "x", RSS: 5000, Echo: time.Millisecond, Lean: true, Push: true})
	r := s.Arms[0].Runs[0]
	for name, want := range map[string][2]float64{ // lowest and highest
		"push.throughput":   {1000, 1000},
		"push.response.p50": {0.9e6, 1.2e6},
		"push.response.p99": {0.9e6, 12e6},
		"push.cpu.server":   {250e3, 250e3}, // 0.75 s over 3,000
		"push.cores.client": {0.33, 0.34},
	} {
		if v, ok := quantity(t, name).Of(r); !ok || v < want[0] || v > want[1] {
			t.Errorf("%s = %v (measured: %v), want %v to %v", name, v, ok, want[0], want[1])
		}
	}
}

// Half of the connections back is half of those that were lost, and not of those
// that are back.
func TestBack(t *testing.T) {
	t.Parallel()
	s := open(t, 2, fixture.Engine{Name: "x", RSS: 5000, Echo: time.Millisecond, Closed: 40000, Lean: true, Rooms: true})
	storms := digest.Storms(s)
	if len(storms) != 2 || storms[0].Backoff != "none" || storms[1].Backoff != "100ms..10s" {
		t.Fatalf("storms %v", storms)
	}
	for _, r := range s.Arms[0].Runs {
		r.Window(storms[0]).Storm.Lost *= 2
	}
	for i, all := range []float64{0.5, 1} {
		after, share := s.Arms[0].Back(storms[i])
		n := len(share)
		if n == 0 || share[0] != 0 || share[n-1] != all || after[0] > after[n/2] || after[n/2] > after[n-1] {
			t.Errorf("%s: %d shares %v after %v, want up to %v", storms[i].Backoff, n, share, after, all)
		}
	}
	if after, _ := s.Arms[0].Back(digest.EchoPart); after != nil {
		t.Errorf("an echo comes back after %v", after)
	}
}

// Percentiles over repetitions are those of all values together.
func TestMergedIsNoAverage(t *testing.T) {
	t.Parallel()
	fast := fixture.Engine{Name: "x", RSS: 1, Echo: time.Millisecond, Closed: 1000}
	slow := fast
	slow.Echo = 100 * time.Millisecond
	dir := filepath.Join(t.TempDir(), "suite")
	suite := fixture.Suite(t, dir, 1, fast)
	fixture.Run(t, filepath.Join(dir, "x", "2"), slow, 2)
	suite.Repetitions = 2
	suite.Steps = append(suite.Steps, results.Step{Arm: "x", Repetition: 2, Dir: "x/2", Verdict: results.Valid})
	if err := results.WriteSuite(dir, suite); err != nil {
		t.Fatal(err)
	}
	s, err := digest.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	h := s.Arms[0].Merged(digest.EchoPart, results.MetricResponse)
	// Half the values are near 1 ms, half near 100 ms: an average of the two
	// p75 would be near 50 ms.
	if q := h.Quantile(0.25); q > 10*time.Millisecond {
		t.Errorf("p25 = %v, want about 1 ms", q)
	}
	if q := h.Quantile(0.75); q < 80*time.Millisecond {
		t.Errorf("p75 = %v, want about 100 ms", q)
	}
	course := s.Arms[0].Course(digest.EchoPart, results.MetricResponse)
	if len(course) != 3 || course[0].At != time.Second/2 || course[0].Histogram.Count() != 100 {
		t.Errorf("course of %d seconds, first at %v with %d values; want 3, 0.5 s, 100", len(course), course[0].At, course[0].Histogram.Count())
	}
}

func TestInvalidRuns(t *testing.T) {
	t.Parallel()
	engines := fixture.Lean(fixture.Engines())
	engines[1].Invalid = true
	s := open(t, 2, engines...)
	if s.Verdict != results.Invalid || s.Arm("gobwas").Verdict != results.Invalid || s.Arm("netpoll").Verdict != results.Valid {
		t.Errorf("verdicts %s, gobwas %s, netpoll %s", s.Verdict, s.Arm("gobwas").Verdict, s.Arm("netpoll").Verdict)
	}
	list := s.Findings()
	if len(list) == 0 || list[0].Severity != results.Fatal || list[len(list)-1].Severity != results.Note {
		t.Errorf("findings are not ordered by severity: %v", list)
	}
	if n := len(s.Arm("gobwas").Counted()); n != 2 {
		t.Errorf("%d runs counted, want both: without a valid one the figures are those of the invalid ones", n)
	}
}

// One invalid repetition must not enter the figures of the valid ones.
func TestCountedLeavesInvalidOut(t *testing.T) {
	t.Parallel()
	e := fixture.Engine{Name: "x", RSS: 1, Echo: time.Millisecond, Closed: 1000, Lean: true}
	dir := filepath.Join(t.TempDir(), "suite")
	suite := fixture.Suite(t, dir, 2, e)
	e.Invalid = true
	fixture.Run(t, filepath.Join(dir, "x", "3"), e, 3)
	suite.Repetitions = 3
	suite.Steps = append(suite.Steps, results.Step{Arm: "x", Repetition: 3, Dir: "x/3", Verdict: results.Invalid})
	if err := results.WriteSuite(dir, suite); err != nil {
		t.Fatal(err)
	}
	s, err := digest.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if a := s.Arms[0]; len(a.Counted()) != 2 || a.Verdict != results.Invalid {
		t.Errorf("%d runs counted, verdict %s; want 2, INVALID", len(a.Counted()), a.Verdict)
	}
}

func TestUnequalArmsAreNamed(t *testing.T) {
	t.Parallel()
	engines := fixture.Lean(fixture.Engines())
	engines[2].Config = map[string]any{"outbox": "1", "pollers": "2"}
	s := open(t, 2, engines...)
	var said []string
	for _, f := range s.Findings() {
		if f.Check == "equal" {
			said = append(said, f.Text)
		}
	}
	want := []string{
		"gorilla, repetition 1 beside netpoll, repetition 1: server setting outbox: 262144 and 1",
		"gorilla, repetition 1 beside netpoll, repetition 1: server setting pollers: none and 2",
	}
	if strings.Join(said, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
}

func TestOpenSingleRun(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "run")
	fixture.Run(t, dir, fixture.Engines()[0], 1)
	s, err := digest.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Arms) != 1 || s.Arms[0].Name != "gorilla" || len(s.Arms[0].Runs) != 1 || s.Verdict != results.Valid {
		t.Errorf("arms %v, verdict %s", s.Arms, s.Verdict)
	}
}

func TestOpenNamesTheFileAtFault(t *testing.T) {
	t.Parallel()
	for _, c := range fixture.Corruptions() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "suite")
			fixture.Suite(t, dir, 1, fixture.Lean(fixture.Engines())...)
			path := filepath.Join(dir, c.File)
			if c.Edit == nil {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			} else {
				old, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, c.Edit(old), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := digest.Open(dir); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("Open = %v, want an error that names %s", err, path)
			}
		})
	}
}

func TestOpenNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := digest.Open(dir); err == nil || !strings.Contains(err.Error(), "neither a suite") {
		t.Errorf("Open of an empty folder = %v", err)
	}
	if _, err := digest.Open(filepath.Join(dir, "none")); err == nil {
		t.Error("Open of nothing succeeds")
	}
}
