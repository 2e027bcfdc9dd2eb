package summary

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signalbench/results"
)

var update = flag.Bool("update", false, "write golden files")

func TestWrite(t *testing.T) {
	metric := func(name string, p50 time.Duration) results.Metric {
		return results.Metric{Name: name, Unit: "ns", Count: 1000, P50: p50, P90: 2 * p50, P99: 3 * p50, P999: 4 * p50, P9999: 5 * p50, Max: 6 * p50}
	}
	run := &results.Run{
		Yardstick: &results.Yardstick{Connects: 2000, Rounds: []float64{1900, 2000, 2100}, Conns: 512},
		Phases: []results.Phase{
			{Name: "ramp", Kind: results.Ramp, Length: 2*time.Second + 345678, Achieved: 512.3,
				Dials:   results.Dials{Scheduled: 1030, Upgraded: 1000, Failed: 20, Dropped: 10, Lost: 1, Causes: map[results.Cause]uint64{results.CauseRefused: 20, results.CauseStopped: 10, results.CauseClosed: 1}},
				Metrics: []results.Metric{metric(results.MetricDial, 123456), {Name: results.MetricConnect}}},
			{Name: "echo/warm-up", Kind: results.WarmUp, Metrics: []results.Metric{metric(results.MetricResponse, 1)}},
			{Name: "echo/window", Kind: results.Window, Length: time.Second, Achieved: 990,
				Ops:     results.Ops{Scheduled: 1000, Completed: 990, Failed: 7, Dropped: 3, Causes: map[results.Cause]uint64{results.CauseMissing: 5, results.CauseCorrupt: 2, results.CauseBacklog: 3}},
				Metrics: []results.Metric{metric(results.MetricResponse, 1234567), metric(results.MetricLag, 512)}, Server: results.Usage{Known: true, PeakRSS: 20 << 20}},
			{Name: "hold/window", Kind: results.Window, Workload: "hold", Model: results.OpenLoop, Length: 20 * time.Second, Achieved: 49.9,
				Ops:     results.Ops{Scheduled: 1000, Completed: 998, Failed: 1, Dropped: 1, Causes: map[results.Cause]uint64{results.CauseTimeout: 1, results.CauseNoConn: 1}},
				Probes:  results.Ops{Scheduled: 4, Completed: 4},
				Metrics: []results.Metric{metric(results.MetricResponse, 345678), metric(results.MetricProbe, 234567)}},
			{Name: "echo+adversaries/window", Kind: results.Window, Workload: "echo", Length: time.Second, Achieved: 990,
				Ops:     results.Ops{Scheduled: 1000, Completed: 1000},
				Metrics: []results.Metric{metric(results.MetricResponse, 2469134), metric(results.MetricLag, 1024)},
				Server:  results.Usage{Known: true, PeakRSS: 30 << 20},
				Adversaries: []results.Adversary{
					{Kind: "slow-reader", Count: 100, Opened: 120, Ended: 20, Sent: 3 << 20, Causes: map[results.Cause]uint64{results.CauseReset: 5, "closed with 1008": 15}},
					{Kind: "ping-flood", Count: 1, Opened: 1, Sent: 5 << 20},
				}},
			{Name: "storm-1/window", Kind: results.Window, Workload: "storm", Length: time.Second, Dials: results.Dials{Scheduled: 1200, Upgraded: 1000, Failed: 200},
				Storm:   &results.Storm{By: "restart", Backoff: "100ms..10s", Open: 1000, Lost: 1000, Back: 1000, Ending: 12 * time.Millisecond, Recovery: 1234 * time.Millisecond, PeakDials: 900, PeakBack: 800, Attempts: 1200, Failures: map[results.Cause]uint64{results.CauseRefused: 200}},
				Metrics: []results.Metric{metric(results.MetricRecovery, 300*time.Millisecond)}},
			{Name: "storm-2/window", Kind: results.Window, Workload: "storm", Storm: &results.Storm{By: "silence", Backoff: "none", Open: 1000, Lost: 900, Back: 899, Attempts: 899}},
			{Name: "broadcast/window", Kind: results.Window, Workload: "broadcast", Model: results.ClosedLoop, Length: 10 * time.Second, Achieved: 1.2,
				Ops: results.Ops{Scheduled: 12, Completed: 11, Failed: 1, Causes: map[results.Cause]uint64{results.CauseMissing: 1}},
				Fanout: &results.Fanout{Rooms: 1, Receivers: 999, Publishers: 1, Busy: 2 * time.Second, PerSecond: 5993.5,
					Deliveries: results.Ops{Scheduled: 11988, Completed: 11987, Failed: 1, Causes: map[results.Cause]uint64{results.CauseMissing: 1}},
					Bare:       &results.BareFanout{Conns: 1000, Bytes: 165, PerSecond: 8000, Rounds: []float64{7000, 8000, 9000}}},
				Client: results.Usage{Known: true, User: 100 * time.Millisecond, System: 300 * time.Millisecond},
				Server: results.Usage{Known: true, System: time.Second}},
			{Name: "broadcast-2/window", Kind: results.Window, Workload: "broadcast", Model: results.ClosedLoop,
				Fanout: &results.Fanout{Rooms: 10, Receivers: 99, Publishers: 20}},
			{Name: "teardown", Kind: results.Teardown, Length: 1234 * time.Millisecond,
				Closing: &results.Closing{Begun: 999, Reset: 2, OrphansPeak: 17, OrphansMax: 131072, TimeWaitPeak: 997, Held: 100 * time.Millisecond}},
		},
		Target: results.Target{GC: &results.GCPauses{
			Processes: 3, Length: 30 * time.Second, Cycles: 9, GCCPU: time.Second, CPU: 40 * time.Second,
			Pauses: results.NewPauses([]time.Duration{10_000, 20_000, 40_000}, []uint64{17, 1}),
			Other:  new(results.NewPauses([]time.Duration{1000, 2000}, []uint64{5})),
		}},
		ClientGC: &results.GCPauses{Cycles: 2, Pauses: results.Pauses{Count: 4, P50: 30_000, P99: 50_000, Max: 50_000}},
		Ledger: &results.Ledger{Slopes: []results.Slope{
			{Item: "server.rss", Kind: results.Settled, Unit: "B", PerConn: 154.25, HasInterval: true, Low: 111.2, High: 197.3, Fixed: 13520896},
			{Item: "server.rss", Kind: results.AsRun, Unit: "B", PerConn: 999},
			{Item: "server.goroutines", Kind: results.Settled, Unit: "1", PerConn: 1, Fixed: 17},
		}},
		Findings: []results.Finding{
			{Severity: results.Fatal, Check: results.CheckLoss, Phase: "echo/window", Text: "too many failed"},
			{Severity: results.Note, Check: "tls", Text: "mind the cost"},
		},
		Verdict: results.Invalid,
	}
	var b strings.Builder
	Write(&b, run, "results/runs/x")
	const golden = "testdata/summary.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// A run without memory, metrics or phases has a summary too.
func TestWriteLittle(t *testing.T) {
	var b strings.Builder
	Write(&b, &results.Run{Verdict: results.Invalid}, "x")
	if !strings.HasSuffix(b.String(), "verdict: INVALID\nresults: x\n") || strings.Contains(b.String(), "settled") {
		t.Errorf("%q", b.String())
	}
}

// Upgrades with few and with many connections held are told from the intervals in
// the run's folder.
func TestUpgradesByHeld(t *testing.T) {
	dir := t.TempDir() + "/run"
	w, err := results.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	started := time.Unix(1_700_000_000, 0)
	w.Begin(started)
	all := results.NewHistogram()
	for i := range 3 {
		h := results.NewHistogram()
		for range results.HeldWindow {
			h.Record(time.Duration(i+1) * time.Millisecond)
		}
		if err := w.Interval("ramp", results.MetricUpgrade, time.Duration(i)*time.Second, time.Second, h); err != nil {
			t.Fatal(err)
		}
		all.Merge(h)
	}
	run := &results.Run{Started: started, Phases: []results.Phase{{
		Name: "ramp", Kind: results.Ramp, Length: 3 * time.Second, Dials: results.Dials{Scheduled: 30_000, Upgraded: 30_000},
		Metrics: []results.Metric{all.Metric(results.MetricUpgrade, results.HlogFile("ramp", results.MetricUpgrade))},
	}}}
	if err := w.Finish(run); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	Write(&b, run, dir)
	if want := "ramp upgrade p99 1ms over the first 10000 connections, 3ms over the last 10000 (p50 1ms, 3ms)\n"; !strings.Contains(b.String(), want) {
		t.Errorf("want %sin\n%s", want, b.String())
	}
}
