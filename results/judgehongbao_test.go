package results

import (
	"strings"
	"testing"
	"time"
)

// hongbaoRun is a run with a window of 30,000 shakes in which everything is as it
// should be.
func hongbaoRun() *Run {
	run := soundRun()
	run.Spec.Rate, run.Spec.InFlight = 3000, 0
	window := run.Phases[1]
	window.Name, window.Workload = "hongbao/window", WorkloadHongbao
	window.Ops, window.Offered, window.Achieved = Ops{Scheduled: 30_000, Completed: 30_000}, 3000, 3000
	window.Hongbao = &Hongbao{
		None: 27_000, Got: 2000, Overload: 1000, Grabs: Ops{Scheduled: 6000, Completed: 6000}, Shaken: 300_000, Grabbed: 310_000,
		Books: &HongbaoBooks{
			Envelopes: 2200, Gifts: 2200, Sent: 700_000, Received: 700_000,
			Server: &HongbaoMoney{Entered: 701_000, Given: 700_000, Before: 500, After: 1500},
		},
	}
	window.Metrics = []Metric{
		uniform(MetricResponse, 30_000, 4*time.Millisecond), uniform(MetricService, 30_000, 3900*time.Microsecond),
		uniform(MetricLag, 30_000, 100*time.Microsecond), uniform(MetricGrab, 6000, time.Millisecond),
	}
	run.Phases = []Phase{run.Phases[0], window}
	return run
}

func TestJudgeHongbao(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(*Run, *Hongbao, *HongbaoBooks)
		check    string // empty: nothing is found
		severity Severity
		text     string
	}{
		{name: "sound", change: func(*Run, *Hongbao, *HongbaoBooks) {}},
		{name: "a gift was taken back", change: func(_ *Run, _ *Hongbao, b *HongbaoBooks) { b.Server.After, b.Server.Returned = 0, 1500 }},
		{name: "a stopped run has open books", change: func(r *Run, h *Hongbao, b *HongbaoBooks) { r.Partial = true; h.None -= 5; b.Received -= 7 }, check: CheckPartial, severity: Fatal},

		{"a shake came out no way", func(_ *Run, h *Hongbao, _ *HongbaoBooks) { h.None-- }, CheckAccounting, Fatal, "found 26999 + 2000 + 1000 = 29999"},
		{"a shake came out two ways", func(_ *Run, h *Hongbao, _ *HongbaoBooks) { h.Overload++ }, CheckAccounting, Fatal, "= 30001"},
		{"a grab is lost from the books", func(_ *Run, h *Hongbao, _ *HongbaoBooks) { h.Grabs.Scheduled++ }, CheckAccounting, Fatal, "grabs: expected scheduled = completed + failed + dropped, found 6001"},
		{"a grab was not timed", func(r *Run, h *Hongbao, _ *HongbaoBooks) { h.Grabs.Scheduled++; h.Grabs.Completed++ }, CheckHistogram, Fatal, "grab: expected 6001 values, found 6000"},
		{"a share came twice", func(_ *Run, h *Hongbao, _ *HongbaoBooks) { h.Grabs.Duplicate = 1 }, CheckDelivery, Fatal, "grabs: expected every message once"},
		{"grabs failed", func(r *Run, h *Hongbao, _ *HongbaoBooks) {
			h.Grabs.Completed, h.Grabs.Failed, h.Grabs.Causes = 5900, 100, map[Cause]uint64{CauseMissing: 100}
			r.Phases[1].Metrics[3].Count = 5900
		}, CheckLoss, Fatal, "100 of 6000 grabs"},

		{"money was lost", func(_ *Run, _ *Hongbao, b *HongbaoBooks) {
			b.Lost, b.Received, b.Server.Given, b.Server.After = 1, 699_999, 699_999, 1501
		}, CheckMoney, Fatal, "found 1 cents lost"},
		{"money was given twice", func(_ *Run, _ *Hongbao, b *HongbaoBooks) {
			b.Excess, b.Received, b.Server.Given, b.Server.After = 2, 700_002, 700_002, 1498
		}, CheckMoney, Fatal, "2 given twice"},
		{"a cent is nowhere", func(_ *Run, _ *Hongbao, b *HongbaoBooks) { b.Sent++ }, CheckMoney, Fatal, "expected 700001 cents sent and 0 in excess to be received, open or lost, found 700000"},
		{"the server says it gave more", func(_ *Run, _ *Hongbao, b *HongbaoBooks) { b.Server.Given, b.Server.After = 700_001, 1499 }, CheckMoney, Fatal, "the 700001 cents that the server gave, they received 700000"},
		{"the server's own books are wrong", func(_ *Run, _ *Hongbao, b *HongbaoBooks) { b.Server.After-- }, CheckMoney, Fatal, "500 cents that waited and 701000 that entered, found 700000 given, 0 taken back and 1499 waiting"},
		{"a gift is open", func(_ *Run, _ *Hongbao, b *HongbaoBooks) { b.Sent, b.Open = 700_100, 100 }, CheckMoney, Warning, "100 of 700100 cents were in gifts"},
		{"too much to remember", func(_ *Run, _ *Hongbao, b *HongbaoBooks) { b.Untracked = 3 }, CheckMoney, Warning, "3 envelopes and gifts were too many"},
		{"no admin listener", func(_ *Run, _ *Hongbao, b *HongbaoBooks) { b.Server = nil }, CheckMoney, Note, "is not known"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := hongbaoRun()
			c.change(run, run.Phases[1].Hongbao, run.Phases[1].Hongbao.Books)
			run.Judge(DefaultLimits())
			if want := c.severity == Fatal; (run.Verdict == Invalid) != want {
				t.Errorf("verdict %s: %+v", run.Verdict, run.Findings)
			}
			if c.check == "" {
				if len(run.Findings) > 0 {
					t.Errorf("found %+v", run.Findings)
				}
				return
			}
			for _, f := range run.Findings {
				if f.Check == c.check && f.Severity == c.severity && strings.Contains(f.Text, c.text) {
					return
				}
			}
			t.Errorf("no %s of %s with %q in %+v", c.severity, c.check, c.text, run.Findings)
		})
	}
}
