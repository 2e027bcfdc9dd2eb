package results

import (
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

// uniform is a metric of n values spread evenly up to max.
func uniform(name string, n uint64, max time.Duration) Metric {
	type key struct {
		n   uint64
		max time.Duration
	}
	m, ok := uniforms.Load(key{n, max})
	if !ok {
		m, _ = uniforms.LoadOrStore(key{n, max}, spread(n, max))
	}
	named := m.(Metric)
	named.Name = name
	return named
}

// uniforms keeps what spread made: a table of runs needs the same few over and
// over.
var uniforms sync.Map

func spread(n uint64, max time.Duration) Metric {
	h := NewHistogram()
	for i := uint64(1); i <= n; i++ {
		h.Record(LowestValue + time.Duration(float64(max-LowestValue)*float64(i)/float64(n)))
	}
	return h.Metric("", "")
}

// soundRun is a run with a ramp, an open-loop and a closed-loop window in which
// everything is as it should be.
func soundRun() *Run {
	run := sampleRun()
	alive := true
	run.Target = Target{PID: 17, Alive: &alive}
	run.Spec.Conns, run.Spec.FirstEcho, run.Spec.Rate, run.Spec.InFlight = 1000, true, 2000, 50
	run.Phases = []Phase{
		{
			Name: "ramp", Kind: Ramp, Model: NoLoad, Length: time.Second,
			Dials: Dials{Scheduled: 1000, Upgraded: 1000},
			Metrics: []Metric{
				uniform(MetricConnect, 1000, time.Millisecond), uniform(MetricUpgrade, 1000, time.Millisecond),
				uniform(MetricDial, 1000, 2*time.Millisecond), uniform(MetricFirstEcho, 1000, time.Millisecond),
			},
		},
		{
			Name: "echo/window", Kind: Window, Workload: "echo", Model: OpenLoop, Length: 10 * time.Second,
			Ops: Ops{Scheduled: 20_000, Completed: 20_000}, Offered: 2000, Achieved: 2000,
			Metrics: []Metric{
				uniform(MetricResponse, 20_000, 4*time.Millisecond), uniform(MetricService, 20_000, 3900*time.Microsecond),
				uniform(MetricLag, 20_000, 100*time.Microsecond),
			},
			Client: Usage{Known: true, User: 2 * time.Second, System: time.Second},
			Server: Usage{Known: true, User: 2 * time.Second, System: time.Second},
		},
		{
			Name: "echo-closed/window", Kind: Window, Workload: "echo-closed", Model: ClosedLoop, Length: 10 * time.Second,
			Ops: Ops{Scheduled: 50_000, Completed: 50_000}, Achieved: 5000,
			// 50 in flight at 5,000/s: 10 ms each on average.
			Metrics: []Metric{uniform(MetricService, 50_000, 20*time.Millisecond)},
			Client:  Usage{Known: true, User: 5 * time.Second},
		},
	}
	run.Ledger = &Ledger{Slopes: []Slope{
		{Item: ItemServerRSS, Kind: Settled, Unit: "B", PerConn: 5000, HasInterval: true, Low: 4900, High: 5100, Readings: 6},
		{Item: ItemClientRSS, Kind: Settled, Unit: "B", PerConn: 100, HasInterval: true, Low: 60, High: 140, Readings: 6},
	}}
	return run
}

func TestJudge(t *testing.T) {
	const open, closed = 1, 2 // phases
	for _, c := range []struct {
		name     string
		change   func(*Run)
		check    string // empty: nothing is found
		severity Severity
		text     string
	}{
		{name: "sound", change: func(*Run) {}},

		{"stopped", func(r *Run) { r.Partial = true }, CheckPartial, Fatal, "stopped after 10s"},
		{"stopped with open books", func(r *Run) { r.Partial = true; r.Phases[open].Ops.Scheduled++ }, CheckPartial, Fatal, "stopped"},
		{"server gone", func(r *Run) { *r.Target.Alive = false }, CheckServerAlive, Fatal, "the server (pid 17)"},
		{"a shard gone", func(r *Run) {
			*r.Target.Alive = false
			r.Target.Processes, r.Target.Gone = 4, []int{18, 20}
			r.Phases[1].Dials.Lost += 300
		}, CheckServerAlive, Fatal, "all 4 processes of the server (pid 17) to be alive at the end: 2 died (pid 18, 20), 300 connections were lost, and the others went on"},
		{"supervisor gone", func(r *Run) {
			*r.Target.Alive = false
			r.Target.Processes, r.Target.Gone = 2, []int{17, 18}
		}, CheckServerAlive, Fatal, "the server (pid 17) to be alive at the end, it was gone"},
		{name: "server not asked", change: func(r *Run) { r.Target.Alive = nil }},

		{"operation lost from the books", func(r *Run) { r.Phases[open].Ops.Scheduled++ }, CheckAccounting, Fatal, "found 20001 scheduled and 20000 + 0 + 0 = 20000"},
		{"operation counted twice", func(r *Run) { r.Phases[open].Ops.Scheduled-- }, CheckAccounting, Fatal, "found 19999 scheduled"},
		{"achieved is not what was completed", func(r *Run) { r.Phases[open].Achieved = 2100 }, CheckAccounting, Fatal, "to be 2000.0/s at most, the run reports 2100.0/s"},
		{"achieved is no number", func(r *Run) { r.Phases[closed].Achieved = math.NaN() }, CheckAccounting, Fatal, "reports NaN/s"},
		{"causes are short", func(r *Run) {
			r.Phases[open].Ops = Ops{Scheduled: 20_000, Completed: 19_998, Failed: 2, Causes: map[Cause]uint64{CauseReset: 1}}
			r.Phases[open].Metrics[0].Count, r.Phases[open].Metrics[1].Count = 19_998, 19_998
		}, CheckAccounting, Fatal, "found causes for 1"},
		{"warm-up is in the books too", func(r *Run) {
			r.Phases = append(r.Phases, Phase{Name: "echo/warm-up", Kind: WarmUp, Model: OpenLoop, Length: time.Second, Ops: Ops{Scheduled: 2}})
		}, CheckAccounting, Fatal, "found 2 scheduled"},

		{"bad clients that were refused", func(r *Run) {
			r.Phases[open].Adversaries = []Adversary{{Kind: "oversize", Count: 5, Opened: 9}, {Kind: "ping-flood", Count: 3, Ended: 3, Causes: map[Cause]uint64{CauseRefused: 3}}}
		}, CheckAdversaries, Warning, "none of the 3 adversaries of kind ping-flood ever connected (connection refused)"},
		{"bad clients that keep the generator busy", func(r *Run) {
			r.Phases[open].Adversaries = []Adversary{{Kind: "ping-flood", Count: 3, Opened: 3}}
			r.Phases[open].Client.User = 40 * time.Second
			r.Phases[open].Server = Usage{}
		}, CheckCPU, Warning, "expected the generator to use at most"},

		{"nothing completed", func(r *Run) {
			r.Phases[closed].Ops, r.Phases[closed].Achieved, r.Phases[closed].Metrics = Ops{}, 0, nil
		}, CheckCompleted, Fatal, "none was completed"},
		{name: "hold completes nothing", change: func(r *Run) {
			r.Phases = append(r.Phases, Phase{Name: "hold/window", Kind: Window, Workload: "hold", Model: NoLoad, Length: time.Second})
		}},

		{"missing", func(r *Run) { r.Phases[open].Ops.Missing = 1 }, CheckDelivery, Fatal, "found 1 missing, 0 duplicate, 0 reordered, 0 corrupt of 20000"},
		{"duplicate", func(r *Run) { r.Phases[open].Ops.Duplicate = 2 }, CheckDelivery, Fatal, "2 duplicate"},
		{"reordered", func(r *Run) { r.Phases[open].Ops.Reordered = 3 }, CheckDelivery, Fatal, "3 reordered"},
		{"corrupt", func(r *Run) { r.Phases[closed].Ops.Corrupt = 4 }, CheckDelivery, Fatal, "4 corrupt"},

		{"one in a thousand dropped", func(r *Run) { lose(&r.Phases[open], 20, 0) }, CheckLoss, Warning, "20 of 20000 operations (0.100 %) dropped"},
		{"two in a thousand dropped", func(r *Run) { lose(&r.Phases[open], 40, 0) }, CheckLoss, Fatal, "40 of 20000 operations (0.200 %) dropped"},
		{"one failed", func(r *Run) { lose(&r.Phases[open], 0, 1) }, CheckLoss, Warning, "1 of 20000 operations (0.005 %) failed"},
		{"one in a hundred failed", func(r *Run) { lose(&r.Phases[open], 0, 200) }, CheckLoss, Fatal, "(1.000 %) failed"},

		{"joins were refused", func(r *Run) {
			r.Phases[0].Ops = Ops{Scheduled: 1000, Completed: 990, Failed: 10, Causes: map[Cause]uint64{CauseJoin: 10}}
		}, CheckLoss, Fatal, "10 of 1000 greetings (1.000 %) failed"},
		{"a join is in no histogram", func(r *Run) {
			r.Phases[0].Ops = Ops{Scheduled: 1000, Completed: 1000}
			r.Phases[0].Achieved = 1000
			r.Phases[0].Metrics[3] = uniform(MetricJoin, 999, time.Millisecond)
		}, CheckHistogram, Fatal, "join: expected 1000 values, found 999"},

		{"too few dialled", func(r *Run) { r.Spec.Conns = 1001 }, CheckDials, Fatal, "expected 1001 connections to be dialled, 1000 were"},
		{"dial lost from the books", func(r *Run) { r.Phases[0].Dials.Failed = 1 }, CheckDials, Fatal, "found 1000 scheduled and 1000 + 1 + 0 = 1001"},
		{"none upgraded", func(r *Run) {
			r.Phases[0].Dials, r.Phases[0].Metrics = Dials{Scheduled: 1000, Failed: 1000}, nil
		}, CheckDials, Fatal, "expected 1000 connections, none was upgraded"},
		{"one dial failed", func(r *Run) { loseDials(r, 1, 0) }, CheckDials, Warning, "1 of 1000 dials (0.100 %) failed"},
		{"two dials dropped", func(r *Run) { loseDials(r, 0, 2) }, CheckDials, Fatal, "2 of 1000 dials (0.200 %) dropped"},
		{"a connection lost", func(r *Run) { r.Phases[open].Dials.Lost = 1 }, CheckDials, Warning, "1 of 1000 connections (0.100 %) lost"},
		{"all connections lost", func(r *Run) { r.Phases[closed].Dials.Lost = 1000 }, CheckDials, Fatal, "1000 of 1000 connections"},
		{name: "connections end in the teardown", change: func(r *Run) {
			r.Phases = append(r.Phases, Phase{Name: "teardown", Kind: Teardown, Dials: Dials{Lost: 1000}})
		}},

		{name: "few orphans", change: func(r *Run) {
			r.Phases = append(r.Phases, Phase{Name: "teardown", Kind: Teardown, Closing: &Closing{Begun: 1000, Reset: 10, OrphansPeak: 50, OrphansMax: 100}})
		}},
		{name: "orphans are not known", change: func(r *Run) {
			r.Phases = append(r.Phases, Phase{Name: "teardown", Kind: Teardown, Closing: &Closing{OrphansPeak: -1, OrphansMax: -1}})
		}},
		{"many orphans", func(r *Run) {
			r.Phases = append(r.Phases, Phase{Name: "teardown", Kind: Teardown, Closing: &Closing{Begun: 1000, OrphansPeak: 51, OrphansMax: 100}})
		}, CheckTeardown, Warning, "51 connections were orphans at once"},
		{name: "few connections leave nothing", change: func(r *Run) { ended(r, 1000, Holdings{Sockets: 138, Files: 1512, TimeWait: 1000}) }},
		{"the machine is back", func(r *Run) { ended(r, 100_000, Holdings{Sockets: 510, Files: 1500, Objects: 512, TimeWait: 70_000}) },
			CheckTeardown, Note, "1.2s after the end of 100000 connections: 510 TCP sockets, 1500 open files, 512 TCP objects in the slab (before: 10, 1000, 12; -1 is not known); 70000 connections are in TIME_WAIT"},
		{"sockets and files are left", func(r *Run) { ended(r, 100_000, Holdings{Sockets: 511, Files: 3000, Objects: -1}) },
			CheckTeardown, Warning, "it has more than then: 501 TCP sockets, 2000 open files (other"},
		{"orphans, objects and memory are left", func(r *Run) {
			ended(r, 1000, Holdings{Orphans: 129, Objects: 525, TCPMem: 1025})
		}, CheckTeardown, Warning, "129 orphans, 513 TCP objects in the slab, 1025 pages of TCP memory"},
		{"more reset than there were", func(r *Run) {
			r.Phases = append(r.Phases, Phase{Name: "teardown", Kind: Teardown, Closing: &Closing{Begun: 10, Reset: 11, OrphansMax: 100}})
		}, CheckTeardown, Fatal, "11 connections were reset of 10"},

		{"response of one too many", func(r *Run) { r.Phases[open].Metrics[0].Count++ }, CheckHistogram, Fatal, "response: expected 20000 values, found 20001"},
		{"service of one too few", func(r *Run) { r.Phases[closed].Metrics[0].Count-- }, CheckHistogram, Fatal, "service: expected 50000 values, found 49999"},
		{"lag of one too few", func(r *Run) { r.Phases[open].Metrics[2].Count-- }, CheckHistogram, Fatal, "lag: expected 20000 values, found 19999"},
		{"upgrade of one too few", func(r *Run) { r.Phases[0].Metrics[1].Count-- }, CheckHistogram, Fatal, "upgrade: expected 1000 values, found 999"},
		{"connect of too few", func(r *Run) { r.Phases[0].Metrics[0].Count-- }, CheckHistogram, Fatal, "connect: expected 1000 values, found 999"},
		{name: "connect of failed upgrades", change: func(r *Run) {
			r.Phases[0].Dials.Retried = 5
			r.Phases[0].Metrics[0].Count += 5
		}},
		{"too long for a histogram", func(r *Run) {
			r.Phases[open].Metrics[0].Count--
			r.Phases[open].Metrics[0].Above++
		}, CheckHistogram, Fatal, "response: expected every value within 1m0s, 1 of 20000 were longer"},
		{"too short to be true", func(r *Run) {
			r.Phases[open].Metrics[1].Count--
			r.Phases[open].Metrics[1].Below++
		}, CheckHistogram, Warning, "service: expected every value to be 1µs or more, 1 of 20000"},
		{name: "sent on time", change: func(r *Run) {
			r.Phases[open].Metrics[2] = Metric{Name: MetricLag, Below: 20_000}
		}},

		{"response time of a closed loop", func(r *Run) {
			r.Phases[closed].Metrics = append(r.Phases[closed].Metrics, uniform(MetricResponse, 50_000, time.Millisecond))
		}, CheckModel, Fatal, "a closed loop has no due times"},
		{"no lag in an open loop", func(r *Run) { r.Phases[open].Metrics = r.Phases[open].Metrics[:2] }, CheckModel, Fatal, "lag false"},
		{"no service time", func(r *Run) { r.Phases[closed].Metrics = nil }, CheckModel, Fatal, "expected a service time"},

		{"offered too little", func(r *Run) { scale(&r.Phases[open], 19_700) }, CheckOffered, Fatal, "expected to offer 2000.0/s within 1.0 %, offered 1970.0/s (-1.50 %)"},
		{"offered too much", func(r *Run) { scale(&r.Phases[open], 20_300) }, CheckOffered, Fatal, "offered 2030.0/s (+1.50 %)"},
		{name: "offered within one per cent", change: func(r *Run) { scale(&r.Phases[open], 19_850) }},
		{"phase offers another rate", func(r *Run) { r.Spec.Rate = 3000 }, CheckOffered, Fatal, "asked for 3000.0/s, the phase was set to offer 2000.0/s"},
		{"server does not keep up", func(r *Run) {
			r.Phases[open].Achieved = 1900 // the rest completed in the drain
		}, CheckAchieved, Warning, "achieved 1900.0/s (95.00 %)"},

		{"Little's law broken downwards", func(r *Run) { r.Spec.InFlight = 60 }, CheckLittle, Fatal, "expected 60 in flight within 10 %; throughput 5000.0/s times mean service time 10"},
		{"the slowest of one in flight does not widen a loop of echoes", func(r *Run) {
			p := &r.Phases[closed]
			r.Spec.InFlight, p.Ops, p.Achieved = 1, Ops{Scheduled: 100, Completed: 100}, 10
			p.Metrics = []Metric{uniform(MetricService, 100, 221*time.Millisecond)}
		}, CheckLittle, Fatal, "expected 1 in flight"},
		{"Little's law broken upwards", func(r *Run) { r.Spec.InFlight = 40 }, CheckLittle, Fatal, "expected 40 in flight"},
		{name: "Little's law within tolerance", change: func(r *Run) { r.Spec.InFlight = 53 }},
		{name: "one in flight and a gap of microseconds", change: func(r *Run) {
			// 25,000/s with one in flight: 40 us a turn, of which 30 us are service.
			r.Spec.InFlight = 1
			p := &r.Phases[closed]
			p.Ops, p.Achieved = Ops{Scheduled: 250_000, Completed: 250_000}, 25_000
			p.Metrics = []Metric{{Name: MetricService, Count: 250_000, Mean: 30 * time.Microsecond, P50: 30 * time.Microsecond}}
		}},

		{"lag is half of the response", func(r *Run) { r.Phases[open].Metrics[2] = uniform(MetricLag, 20_000, 2500*time.Microsecond) }, CheckLag, Fatal, "lag p99 to be 2ms or 50 %"},
		{"median lag is half of the response", func(r *Run) {
			r.Phases[open].Metrics[0] = Metric{Name: MetricResponse, Count: 20_000, P50: 5 * time.Millisecond, P99: time.Second}
			r.Phases[open].Metrics[2] = Metric{Name: MetricLag, Count: 20_000, P50: 3 * time.Millisecond, P99: 4 * time.Millisecond}
		}, CheckLag, Fatal, "lag p50"},
		{"lag is a quarter of the response", func(r *Run) { r.Phases[open].Metrics[2] = uniform(MetricLag, 20_000, time.Millisecond) }, CheckLag, Warning, "(25 %)"},
		{"lag of seconds", func(r *Run) {
			r.Phases[open].Metrics[0] = uniform(MetricResponse, 20_000, 50*time.Second)
			r.Phases[open].Metrics[2] = uniform(MetricLag, 20_000, 2*time.Second)
		}, CheckLag, Fatal, "lag p99 to be 1s at most"},
		{name: "lag below the floor", change: func(r *Run) {
			r.Phases[open].Metrics[0] = uniform(MetricResponse, 20_000, 450*time.Microsecond)
			r.Phases[open].Metrics[2] = uniform(MetricLag, 20_000, 400*time.Microsecond)
		}},
		{name: "few are late", change: func(r *Run) {
			// 100 of 20,000 were late by 3 ms, all others were on time: p99 is on time.
			r.Phases[open].Metrics[2] = uniform(MetricLag, 100, 3*time.Millisecond)
			r.Phases[open].Metrics[2].Below = 19_900
		}},

		{"generator busy", func(r *Run) { r.Phases[open].Client.User = 8 * time.Second }, CheckCPU, Warning, "the generator used 0.90 of the 1 cores"},
		{"generator full", func(r *Run) { r.Phases[open].Client.User = 9 * time.Second }, CheckCPU, Fatal, "it used 1.00 (100 %)"},
		{"generator full in a closed loop", func(r *Run) { r.Phases[closed].Client.User = 10 * time.Second }, CheckCPU, Note, "may be its own limit"},
		{name: "usage not known", change: func(r *Run) { r.Phases[open].Client = Usage{User: time.Hour} }},
		{name: "more lanes", change: func(r *Run) { r.Spec.Lanes = 2; r.Phases[open].Client.User = 9 * time.Second }},
		{"machine busy", func(r *Run) { r.Spec.Lanes = 2; r.Phases[open].Server.User = 15 * time.Second }, CheckCPU, Warning, "together used 1.90 of 2 cores"},

		{"vague slope", func(r *Run) { r.Ledger.Slopes[0].Low, r.Ledger.Slopes[0].High = 4000, 6000 }, CheckLedger, Warning, "found 5000 B per connection, 4000 to 6000"},
		{"slope of two readings", func(r *Run) {
			r.Ledger.Slopes[1] = Slope{Item: ItemClientRSS, Kind: Settled, Unit: "B", PerConn: 100, Readings: 2}
		}, CheckLedger, Warning, "from 2 readings has no interval"},
		{name: "vague slope that nobody compares", change: func(r *Run) {
			r.Ledger.Slopes[0].Kind = AsRun
			r.Ledger.Slopes[0].High = 9000
		}},
		{"others open sockets", func(r *Run) {
			r.Ledger.Readings = exactLedger(Settled, 1000, 2000, 3000).Readings
			for i := range r.Ledger.Readings {
				r.Ledger.Readings[i].Kernel.TCPInUse = 5 + 6*int64(r.Ledger.Readings[i].Conns)
			}
		}, CheckLedger, Warning, "expected the machine to gain 2.00 TCP sockets with each connection, found 6.00"},
		{name: "nobody else opens sockets", change: func(r *Run) {
			r.Ledger.Readings = exactLedger(Settled, 1000, 2000, 3000).Readings
		}},
		{name: "sockets are not known", change: func(r *Run) {
			r.Ledger.Readings = exactLedger(Settled, 1000, 2000, 3000).Readings
			for i := range r.Ledger.Readings {
				r.Ledger.Readings[i].Kernel.TCPInUse = -1
			}
		}},
		{name: "no ledger", change: func(r *Run) { r.Ledger = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := soundRun()
			run.Verdict = "" // as a run that was never judged
			c.change(run)
			run.Judge(DefaultLimits())
			want := Valid
			if c.severity == Fatal {
				want = Invalid
			}
			if run.Verdict != want {
				t.Errorf("verdict is %s, want %s: %+v", run.Verdict, want, run.Findings)
			}
			found := false
			for _, f := range run.Findings {
				if f.Check == c.check && f.Severity == c.severity && strings.Contains(f.Text, c.text) {
					found = true
				} else if c.check == "" {
					t.Errorf("unexpected finding: %+v", f)
				}
			}
			if c.check != "" && !found {
				t.Errorf("found %+v, want a %s of %s with %q", run.Findings, c.severity, c.check, c.text)
			}
		})
	}
}

// lose moves operations of a phase from completed to dropped and failed.
func lose(p *Phase, dropped, failed uint64) {
	p.Ops.Completed -= dropped + failed
	p.Ops.Dropped, p.Ops.Failed = dropped, failed
	p.Achieved = float64(p.Ops.Completed) / p.Length.Seconds()
	for i := range p.Metrics {
		p.Metrics[i].Count -= dropped
		if p.Metrics[i].Name != MetricLag {
			p.Metrics[i].Count -= failed
		}
	}
}

func loseDials(r *Run, failed, dropped uint64) {
	d := &r.Phases[0].Dials
	d.Failed, d.Dropped, d.Upgraded = failed, dropped, d.Upgraded-failed-dropped
	for i := range r.Phases[0].Metrics {
		r.Phases[0].Metrics[i].Count = d.Upgraded
	}
}

// scale makes a phase one of n operations.
func scale(p *Phase, n uint64) {
	p.Ops.Scheduled, p.Ops.Completed = n, n
	p.Achieved = float64(n) / p.Length.Seconds()
	for i := range p.Metrics {
		p.Metrics[i].Count = n - p.Metrics[i].Below - p.Metrics[i].Above
	}
}

func TestJudgeKeepsEarlierFindings(t *testing.T) {
	run := soundRun()
	run.Findings = []Finding{{Severity: Fatal, Check: "conformance", Text: "seen before"}}
	run.Judge(DefaultLimits())
	if run.Verdict != Invalid || len(run.Findings) != 1 {
		t.Errorf("verdict %s with %+v", run.Verdict, run.Findings)
	}
}

func TestFindingsNameTheirPhase(t *testing.T) {
	run := soundRun()
	run.Phases[1].Ops.Missing = 1
	run.Partial = true
	run.Judge(DefaultLimits())
	for _, f := range run.Findings {
		want := "echo/window"
		if f.Check == CheckPartial {
			want = ""
		}
		if f.Phase != want {
			t.Errorf("finding of %s names phase %q, want %q", f.Check, f.Phase, want)
		}
	}
}

func TestUpperBoundOfAQuantileWithValuesBelow(t *testing.T) {
	// In range: 1 ns to 100 ns, once each.
	m := Metric{Count: 100, P50: 50, P90: 90, P99: 99, P999: 100, P9999: 100, Max: 100}
	for _, c := range []struct {
		below uint64
		q     float64
		want  time.Duration
	}{
		{0, 0.99, 99}, {0, 0.5, 50}, {0, 1, 100},
		{9900, 0.99, LowestValue}, // rank 9,900 of 10,000: the last that is below
		{9899, 0.99, 50},          // rank 9,900 of 9,999: the first in range, at most the median
		{4950, 0.99, 50},          // rank 5,000 of 5,050: the 50th in range
		{4850, 0.99, 90},          // rank 4,901 of 4,950: the 51st in range
		{100, 0.99, 99},           // rank 198 of 200: the 98th in range
		{100, 0.5, LowestValue},
	} {
		m.Below = c.below
		if got := m.atMost(c.q); got != c.want {
			t.Errorf("%d below: quantile %v is at most %v, want %v", c.below, c.q, got, c.want)
		}
	}
}

// ended appends a teardown of so many connections that has left after behind.
func ended(r *Run, begun uint64, after Holdings) {
	r.Phases = append(r.Phases, Phase{Name: "teardown", Kind: Teardown, Closing: &Closing{Begun: begun, OrphansMax: 1000, Baseline: &Baseline{
		Before: Holdings{Sockets: 10, Files: 1000, Objects: 12}, After: after, Waited: 1230 * time.Millisecond,
	}}})
}

// The bound of a quantile that the metric has itself is that quantile, however many
// values there are, and the next one where values below the range were left out.
func TestAtMost(t *testing.T) {
	t.Parallel()
	m := Metric{P50: 1, P90: 2, P99: 3, P999: 4, P9999: 5, Max: 6}
	for n := uint64(1); n < 60_000; n += 7 {
		m.Count = n
		for q, want := range map[float64]time.Duration{0.5: 1, 0.9: 2, 0.99: 3, 0.999: 4} {
			if got := m.atMost(q); got != want {
				t.Fatalf("p%v of %d values is at most %d, want %d", 100*q, n, got, want)
			}
		}
	}
	m.Count, m.Below = 1000, 1000 // half of all are below: p99 of all is p98 of the others
	for q, want := range map[float64]time.Duration{0.4: LowestValue, 0.7: 1, 0.94: 2, 0.99: 3, 0.9999: 5} {
		if got := m.atMost(q); got != want {
			t.Errorf("with as many below the range, p%v is at most %v, want %v", 100*q, got, want)
		}
	}
}
