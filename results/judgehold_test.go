package results

import (
	"strings"
	"testing"
	"time"
)

// Connections that are held have no allowance: each one lives and answers, or the
// run is invalid.
func TestJudgeHold(t *testing.T) {
	hold := func() (*Run, *Phase) {
		run := soundRun()
		run.Verdict, run.Spec.Heartbeat = "", 10*time.Second
		run.Phases = append(run.Phases, Phase{
			Name: "hold/window", Kind: Window, Workload: "hold", Model: OpenLoop, Length: 20 * time.Second,
			Ops: Ops{Scheduled: 2000, Completed: 2000}, Offered: 100, Achieved: 100,
			Probes: Ops{Scheduled: 4, Completed: 4},
			Metrics: []Metric{
				uniform(MetricResponse, 2000, 4*time.Millisecond), uniform(MetricService, 2000, 3900*time.Microsecond),
				uniform(MetricLag, 2000, 100*time.Microsecond), uniform(MetricProbe, 4, time.Millisecond),
			},
		})
		return run, &run.Phases[len(run.Phases)-1]
	}
	fails := func(p *Phase, n uint64, why Cause) {
		p.Ops.Completed, p.Ops.Failed, p.Ops.Causes = p.Ops.Completed-n, n, map[Cause]uint64{why: n}
		p.Metrics[0].Count, p.Metrics[1].Count = p.Ops.Completed, p.Ops.Completed
	}
	for _, c := range []struct {
		name     string
		change   func(*Run, *Phase)
		check    string // empty: nothing is found
		severity Severity
		text     string
	}{
		{name: "all live", change: func(*Run, *Phase) {}},
		{"one does not answer", func(_ *Run, p *Phase) { fails(p, 1, CauseTimeout) }, CheckHeld, Fatal, "1 of 2000 heartbeats were not answered and 0 were not sent (timeout)"},
		{"one is not asked", func(_ *Run, p *Phase) {
			fails(p, 1, CauseNoConn)
			p.Ops.Failed, p.Ops.Dropped, p.Metrics[2].Count = 0, 1, 1999
		}, CheckHeld, Fatal, "1 were not sent (no connection)"},
		{"one dies", func(_ *Run, p *Phase) {
			p.Dials = Dials{Lost: 1, Causes: map[Cause]uint64{CauseReset: 1}}
		}, CheckHeld, Fatal, "1 of 1000 connections died while they were held (connection reset)"},
		{"one dies in the drain", func(r *Run, _ *Phase) {
			r.Phases = append(r.Phases, Phase{Name: "hold/drain", Kind: Drain, Workload: "hold", Dials: Dials{Lost: 1}})
		}, CheckHeld, Fatal, "(no cause)"},
		{"a probe fails", func(_ *Run, p *Phase) {
			p.Probes = Ops{Scheduled: 4, Completed: 3, Failed: 1, Causes: map[Cause]uint64{CauseReset: 1}}
			p.Metrics[3].Count = 3
		}, CheckHeld, Fatal, "1 of 4 probes were not answered"},
		{"a probe is lost from the books", func(_ *Run, p *Phase) { p.Probes.Scheduled++ }, CheckAccounting, Fatal, "probes: expected scheduled"},
		{"a probe is timed twice", func(_ *Run, p *Phase) { p.Metrics[3].Count++ }, CheckHistogram, Fatal, "probe: expected 4 values, found 5"},
		{"an answer twice", func(_ *Run, p *Phase) { p.Ops.Duplicate = 1 }, CheckDelivery, Fatal, "1 duplicate"},
		{"not all are asked", func(r *Run, _ *Phase) { r.Spec.Heartbeat = 30 * time.Second }, CheckHeld, Note, "2000 of 1000 connections were asked"},
		{"none is asked", func(_ *Run, p *Phase) { p.Ops, p.Achieved, p.Metrics = Ops{}, 0, p.Metrics[3:] }, CheckCompleted, Fatal, "none was answered"},
		{"asked more often than was said", func(_ *Run, p *Phase) { p.Offered = 90 }, CheckOffered, Fatal, "offered 100.0/s"},
		{name: "the rate is that of another workload", change: func(r *Run, _ *Phase) { r.Spec.Rate = 2000 }},
		{"the generator is late", func(_ *Run, p *Phase) { p.Metrics[2] = uniform(MetricLag, 2000, 3*time.Millisecond) }, CheckLag, Warning, "lag p99"},
		{"a partial run gives up what it waits for", func(r *Run, p *Phase) { r.Partial = true; fails(p, 1, CauseStopped) }, CheckPartial, Fatal, "stopped after"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run, p := hold()
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
