package results

import (
	"strings"
	"testing"
	"time"
)

// broadcast is a run of 40 messages to 999 receivers in which everything is as it
// should be.
func broadcast() *Run {
	run := soundRun()
	run.Spec.Rate = 4
	const ops, deliveries = 40, 40 * 999
	run.Phases = append(run.Phases[:1], Phase{
		Name: "broadcast/window", Kind: Window, Workload: WorkloadBroadcast, Model: OpenLoop, Length: 10 * time.Second,
		Ops: Ops{Scheduled: ops, Completed: ops}, Offered: 4, Achieved: 4,
		Fanout: &Fanout{
			Rooms: 1, Receivers: 999, Publishers: 1, Deliveries: Ops{Scheduled: deliveries, Completed: deliveries},
			Busy: 4 * time.Second, PerSecond: deliveries / 4.,
		},
		Metrics: []Metric{
			uniform(MetricResponse, ops, 4*time.Millisecond), uniform(MetricService, ops, 3900*time.Microsecond), uniform(MetricLag, ops, 100*time.Microsecond),
			uniform(MetricDelivery, deliveries, 4*time.Millisecond), uniform(MetricFirst, ops, time.Millisecond), uniform(MetricMedian, ops, 2*time.Millisecond), uniform(MetricP99, ops, 3*time.Millisecond),
		},
	})
	return run
}

func TestJudgeFanout(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(p *Phase)
		check  string // empty: nothing is found
		text   string
	}{
		{name: "sound", change: func(*Phase) {}},
		{"a delivery is lost from the books", func(p *Phase) { p.Fanout.Deliveries.Completed-- }, CheckAccounting, "deliveries: expected scheduled = completed + failed + dropped"},
		{"more deliveries than receivers", func(p *Phase) {
			p.Fanout.Deliveries.Scheduled, p.Fanout.Deliveries.Completed = 40_000, 40_000
		}, CheckAccounting, "40 messages published to 999 receivers to be 39960 deliveries, found 40000"},
		{"fewer deliveries than receivers", func(p *Phase) {
			p.Fanout.Deliveries.Scheduled, p.Fanout.Deliveries.Completed = 39_000, 39_000
		}, CheckAccounting, "to be 39960 deliveries, found 39000"},
		{"a delivery is missing", func(p *Phase) {
			p.Fanout.Deliveries = Ops{Scheduled: 39_960, Completed: 39_959, Failed: 1, Missing: 1, Causes: map[Cause]uint64{CauseMissing: 1}}
		}, CheckDelivery, "deliveries: expected every message once, in order and unchanged, found 1 missing"},
		{"a delivery came twice", func(p *Phase) { p.Fanout.Deliveries.Duplicate = 1 }, CheckDelivery, "1 duplicate"},
		{"many deliveries failed", func(p *Phase) {
			p.Fanout.Deliveries = Ops{Scheduled: 39_960, Completed: 38_960, Failed: 1000, Causes: map[Cause]uint64{CauseClosed: 1000}}
		}, CheckLoss, "1000 of 39960 deliveries (2.503 %) failed"},
		{"a delivery is in no histogram", func(p *Phase) { p.Metrics[3] = uniform(MetricDelivery, 39_959, time.Millisecond) }, CheckHistogram, "delivery: expected 39960 values, found 39959"},
		{"a first delivery is in no histogram", func(p *Phase) { p.Metrics[4] = uniform(MetricFirst, 39, time.Millisecond) }, CheckHistogram, "first-delivery: expected 40 values, found 39"},
		{"a message was there twice", func(p *Phase) { p.Metrics[6] = uniform(MetricP99, 41, time.Millisecond) }, CheckHistogram, "p99-delivery: expected 40 values, found 41"},
		{"the rate is not that of the deliveries", func(p *Phase) { p.Fanout.PerSecond = 12_345 }, CheckAccounting, "deliveries: expected 39960 in 4s to be 9990.0/s, the run reports 12345.0/s"},
		{"busy for less than nothing", func(p *Phase) { p.Fanout.Busy = -1 }, CheckAccounting, "the run reports"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := broadcast()
			c.change(&run.Phases[1])
			run.Judge(DefaultLimits())
			if c.check == "" {
				if run.Verdict != Valid || len(run.Findings) > 0 {
					t.Errorf("%s: %+v", run.Verdict, run.Findings)
				}
				return
			}
			for _, f := range run.Findings {
				if f.Check == c.check && f.Severity == Fatal && strings.Contains(f.Text, c.text) {
					if run.Verdict != Invalid {
						t.Errorf("verdict %s", run.Verdict)
					}
					return
				}
			}
			t.Errorf("want %s %q, found %+v", c.check, c.text, run.Findings)
		})
	}
}

// Where members were lost, or rooms are of different sizes, a message has fewer
// receivers.
func TestJudgeFanoutOfFewer(t *testing.T) {
	for name, change := range map[string]func(*Run){
		"lost":  func(r *Run) { r.Phases[0].Dials.Lost = 1 },
		"rooms": func(r *Run) { r.Phases[1].Fanout.Rooms = 2 },
	} {
		run := broadcast()
		change(run)
		d := &run.Phases[1].Fanout.Deliveries
		d.Scheduled, d.Completed = 39_950, 39_950
		run.Phases[1].Fanout.PerSecond = 39_950 / 4.
		run.Phases[1].Metrics[3] = uniform(MetricDelivery, 39_950, time.Millisecond)
		run.Judge(DefaultLimits())
		if run.Verdict != Valid {
			t.Errorf("%s: %+v", name, run.Findings)
		}
	}
}

// Where one message is on its way at a time and takes seconds, the one that crosses
// the beginning of the window is part of Little's law.
func TestJudgeFanoutLittle(t *testing.T) {
	for name, c := range map[string]struct {
		before time.Duration // the longest of the warm-up
		want   Verdict
	}{"a long one before": {4 * time.Second, Valid}, "slots stood empty": {time.Second, Invalid}} {
		run := broadcast()
		run.Spec.InFlight = 1
		p := &run.Phases[1]
		p.Model, p.Offered = ClosedLoop, 0
		p.Metrics = append([]Metric{uniform(MetricService, 40, 320*time.Millisecond)}, p.Metrics[3:]...)
		warm := Phase{Name: "broadcast/warm-up", Kind: WarmUp, Workload: WorkloadBroadcast, Metrics: []Metric{uniform(MetricService, 1, c.before)}, Ops: Ops{Scheduled: 1, Completed: 1}}
		run.Phases = append(run.Phases, warm)
		run.Judge(DefaultLimits())
		if run.Verdict != c.want {
			t.Errorf("%s: %s, %+v", name, run.Verdict, run.Findings)
		}
	}
}
