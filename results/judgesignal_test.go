package results

import (
	"strings"
	"testing"
	"time"
)

// signalRun is a run with a window of 1,000 sessions in which everything is as it
// should be: 100 swarms of 10, 3 contacts, 4 candidates.
func signalRun() *Run {
	run := soundRun()
	run.Spec.Rate, run.Spec.InFlight = 3000, 0
	window := run.Phases[1]
	window.Name, window.Workload = "signal/window", WorkloadSignal
	window.Ops, window.Offered, window.Achieved = Ops{Scheduled: 1000, Completed: 1000}, 100, 100
	done := func(n uint64) Ops { return Ops{Scheduled: n, Completed: n} }
	window.Signal = &Signal{
		Swarms: 100, Size: 10, Contacts: 3, Candidates: 4,
		Joins: done(1000), Relays: done(30_000), Notices: done(9000), Answers: 3000, Told: 1000,
	}
	window.Metrics = []Metric{
		uniform(MetricRelay, 30_000, time.Millisecond), uniform(MetricAnswer, 3000, 2*time.Millisecond), uniform(MetricJoin, 1000, time.Millisecond),
		uniform(MetricPresence, 1000, 50*time.Millisecond), uniform(MetricResponse, 1000, 50*time.Millisecond),
		uniform(MetricService, 1000, 50*time.Millisecond), uniform(MetricLag, 1000, 100*time.Microsecond),
	}
	run.Phases = []Phase{run.Phases[0], window}
	return run
}

func TestJudgeSignal(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(*Run, *Phase, *Signal)
		check    string // empty: nothing is found
		severity Severity
		text     string
	}{
		{name: "sound", change: func(*Run, *Phase, *Signal) {}},
		{name: "a smaller swarm", change: func(r *Run, _ *Phase, s *Signal) {
			r.Spec.Conns, r.Phases[0].Dials = 996, Dials{Scheduled: 996, Upgraded: 996}
			for i := range r.Phases[0].Metrics {
				r.Phases[0].Metrics[i].Count = 996
			}
			s.Notices = Ops{Scheduled: 8960, Completed: 8960}
		}},
		{name: "a stopped run has open books", change: func(r *Run, _ *Phase, s *Signal) { r.Partial = true; s.Relays.Scheduled += 5 }, check: CheckPartial, severity: Fatal},

		{"another rate", func(r *Run, _ *Phase, _ *Signal) { r.Spec.Rate = 6000 }, CheckOffered, Fatal, "asked for 200.0/s, the phase was set to offer 100.0/s"},
		{"a relay is lost from the books", func(_ *Run, _ *Phase, s *Signal) { s.Relays.Completed-- }, CheckAccounting, Fatal, "relays: expected scheduled = completed + failed + dropped, found 30000 scheduled and 29999"},
		{"a join is lost from the books", func(_ *Run, _ *Phase, s *Signal) { s.Joins.Scheduled-- }, CheckAccounting, Fatal, "joins: expected one for each of 1000 sessions that were begun, found 999"},
		{"a session without its relays", func(_ *Run, _ *Phase, s *Signal) { s.Relays = Ops{Scheduled: 29_970, Completed: 29_970} }, CheckAccounting, Fatal, "relays: expected 1000 sessions with 30 each to be 30000, found 29970"},
		{"too many notices", func(_ *Run, _ *Phase, s *Signal) { s.Notices = Ops{Scheduled: 9001, Completed: 9001} }, CheckAccounting, Fatal, "notices: expected 1000 sessions with 9 each to be 9000, found 9001"},
		{"answers to nothing", func(_ *Run, _ *Phase, s *Signal) { s.Answers = 30_001 }, CheckAccounting, Fatal, "found 30001 answers"},
		{"news of nothing", func(_ *Run, _ *Phase, s *Signal) { s.Told = 1001 }, CheckAccounting, Fatal, "news of 1001 joins"},

		{"a relay is missing", func(_ *Run, p *Phase, s *Signal) {
			lose(p, 0, 1)
			p.Metrics[0].Count = 29_999
			for i := 1; i < 4; i++ {
				p.Metrics[i].Count++ // lose took it from all
			}
			s.Relays.Completed, s.Relays.Failed, s.Relays.Missing = 29_999, 1, 1
		}, CheckDelivery, Fatal, "relays: expected every message once, in order and unchanged, found 1 missing"},
		{"a relay is duplicate", func(_ *Run, _ *Phase, s *Signal) { s.Relays.Duplicate = 1 }, CheckDelivery, Fatal, "relays: expected every message once"},
		{"a relay is reordered", func(_ *Run, _ *Phase, s *Signal) { s.Relays.Reordered = 2 }, CheckDelivery, Fatal, "2 reordered"},
		{"a join is corrupt", func(_ *Run, _ *Phase, s *Signal) { s.Joins.Corrupt = 1 }, CheckDelivery, Fatal, "joins: expected every message once"},
		{"a notice is missing", func(_ *Run, _ *Phase, s *Signal) { s.Notices.Missing = 1 }, CheckDelivery, Fatal, "notices: expected every message once"},
		{"relays failed", func(_ *Run, _ *Phase, s *Signal) {
			s.Relays.Completed, s.Relays.Failed, s.Relays.Causes = 29_900, 100, map[Cause]uint64{CauseAbsent: 100}
		}, CheckLoss, Fatal, "100 of 30000 relays (0.333 %) failed"},
		{"notices dropped", func(_ *Run, _ *Phase, s *Signal) { s.Notices.Completed, s.Notices.Dropped = 8999, 1 }, CheckLoss, Warning, "1 of 9000 notices (0.011 %) dropped"},
		{"a join failed", func(_ *Run, p *Phase, s *Signal) { s.Joins.Completed, s.Joins.Failed, p.Metrics[2].Count = 999, 1, 999 }, CheckLoss, Warning, "1 of 1000 joins (0.100 %) failed"},

		{"a relay is in no histogram", func(_ *Run, p *Phase, _ *Signal) { p.Metrics[0].Count-- }, CheckHistogram, Fatal, "relay: expected 30000 values, found 29999"},
		{"an answer is in no histogram", func(_ *Run, p *Phase, _ *Signal) { p.Metrics[1].Count-- }, CheckHistogram, Fatal, "answer: expected 3000 values, found 2999"},
		{"a join is in no histogram", func(_ *Run, p *Phase, _ *Signal) { p.Metrics[2].Count-- }, CheckHistogram, Fatal, "join: expected 1000 values, found 999"},
		{"presence is in no histogram", func(_ *Run, p *Phase, _ *Signal) { p.Metrics[3].Count-- }, CheckHistogram, Fatal, "presence: expected 1000 values, found 999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := signalRun()
			run.Verdict = ""
			c.change(run, &run.Phases[1], run.Phases[1].Signal)
			run.Judge(DefaultLimits())
			if (run.Verdict == Invalid) != (c.severity == Fatal) {
				t.Errorf("verdict is %s: %+v", run.Verdict, run.Findings)
			}
			found := c.check == ""
			for _, f := range run.Findings {
				if c.check == "" {
					t.Errorf("unexpected finding: %+v", f)
				}
				found = found || f.Check == c.check && f.Severity == c.severity && strings.Contains(f.Text, c.text)
			}
			if !found {
				t.Errorf("found %+v, want a %s of %s with %q", run.Findings, c.severity, c.check, c.text)
			}
		})
	}
}
