package results

import (
	"strings"
	"testing"
	"time"
)

// In a storm connections are meant to be lost and dials may fail, but in the end
// every connection is back, or the run is invalid.
func TestJudgeStorm(t *testing.T) {
	storm := func() (*Run, *Phase) {
		run := soundRun()
		run.Verdict, run.Spec.StormLimit = "", time.Minute
		run.Phases = append(run.Phases, Phase{
			Name: "storm/window", Kind: Window, Workload: WorkloadStorm, Model: NoLoad, Length: 3 * time.Second,
			Dials: Dials{Scheduled: 1000, Upgraded: 1000, Lost: 1000, Causes: map[Cause]uint64{CauseReset: 1000}},
			Storm: &Storm{By: "restart", Backoff: "none", Open: 1000, Lost: 1000, Back: 1000, Recovery: 2 * time.Second, Attempts: 1000},
			Metrics: []Metric{
				uniform(MetricRecovery, 1000, 2*time.Second), uniform(MetricConnect, 1000, time.Millisecond),
				uniform(MetricUpgrade, 1000, time.Millisecond), uniform(MetricDial, 1000, 2*time.Second),
			},
		})
		return run, &run.Phases[len(run.Phases)-1]
	}
	for _, c := range []struct {
		name     string
		change   func(*Run, *Phase)
		check    string // empty: nothing is found
		severity Severity
		text     string
	}{
		{name: "all are back", change: func(*Run, *Phase) {}},
		{"some tried again", func(_ *Run, p *Phase) {
			p.Dials.Scheduled, p.Dials.Failed, p.Storm.Attempts = 1400, 400, 1400
			p.Dials.Causes = map[Cause]uint64{CauseRefused: 400, CauseReset: 1000}
			p.Storm.Failures = map[Cause]uint64{CauseRefused: 400}
		}, CheckStorm, Note, "400 of 1400 attempts failed and were tried again (connection refused)"},
		{"lost again and back again", func(_ *Run, p *Phase) {
			p.Dials.Scheduled, p.Dials.Upgraded, p.Storm.Attempts, p.Dials.Lost = 1001, 1001, 1001, 1001
			for i := range p.Metrics {
				p.Metrics[i].Count = 1001
			}
		}, "", "", ""},
		{"one is not back", func(_ *Run, p *Phase) {
			p.Storm.Back, p.Storm.Recovery = 999, 0
			p.Dials.Upgraded, p.Dials.Failed, p.Storm.Failures = 999, 1, map[Cause]uint64{CauseTimeout: 1}
			for i := range p.Metrics {
				p.Metrics[i].Count = 999
			}
		}, CheckStorm, Fatal, "all 1000 connections that were lost by restart to be back within 1m0s, 1 were not (timeout)"},
		{"one was not lost", func(_ *Run, p *Phase) { p.Storm.Lost, p.Storm.Back = 999, 999 }, CheckStorm, Fatal, "to be lost by restart within 1m0s, 1 were not"},
		{"none was open", func(_ *Run, p *Phase) {
			p.Storm = &Storm{By: "reset"}
			p.Dials, p.Metrics = Dials{}, nil
		}, CheckStorm, Fatal, "none was open"},
		{"a return that was not timed", func(_ *Run, p *Phase) { p.Metrics[0].Count-- }, CheckHistogram, Fatal, "recovery: expected 1000 values, found 999"},
		{"a dial lost from the books", func(_ *Run, p *Phase) { p.Dials.Scheduled++; p.Storm.Attempts++ }, CheckDials, Fatal, "found 1001 scheduled"},
		{"an attempt lost from the books", func(_ *Run, p *Phase) { p.Storm.Attempts-- }, CheckAccounting, Fatal, "found 999 and 1000"},
		{"stopped", func(r *Run, p *Phase) { r.Partial, p.Storm.Back = true, 10 }, CheckPartial, Fatal, "stopped after"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run, p := storm()
			c.change(run, p)
			run.Judge(DefaultLimits())
			if c.check == "" {
				if len(run.Findings) > 0 || run.Verdict != Valid {
					t.Errorf("%s %+v", run.Verdict, run.Findings)
				}
				return
			}
			if len(run.Findings) != 1 {
				t.Fatalf("%+v", run.Findings)
			}
			f := run.Findings[0]
			if f.Check != c.check || f.Severity != c.severity || !strings.Contains(f.Text, c.text) || (run.Verdict == Invalid) != (c.severity == Fatal) {
				t.Errorf("%s %+v", run.Verdict, f)
			}
		})
	}
}
