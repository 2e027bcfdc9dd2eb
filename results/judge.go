package results

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The checks of Judge, as Finding.Check names them.
const (
	CheckPartial     = "partial"      // the plan was carried out to its end
	CheckServerAlive = "server-alive" // the server lived to the end
	CheckAccounting  = "accounting"   // scheduled = completed + failed + dropped
	CheckCompleted   = "completed"    // something was measured at all
	CheckDelivery    = "delivery"     // every message once, in order, unchanged
	CheckHistogram   = "histogram"    // histogram totals = counts
	CheckModel       = "model"        // a closed loop reports no response time
	CheckLoss        = "loss"         // operations dropped or failed
	CheckDials       = "dials"        // connections asked for, made and kept
	CheckRamp        = "ramp"         // why connections stopped coming
	CheckPings       = "pings"        // what a server of channels sends by itself came
	CheckHeld        = "held"         // connections that are held live and answer
	CheckKernel      = "kernel"       // what the kernel refused while connections were held and closed
	CheckAdversaries = "adversaries"  // bad clients were there
	CheckStorm       = "storm"        // connections that were lost in a storm are back
	CheckOffered     = "offered"      // offered = asked
	CheckAchieved    = "achieved"     // achieved = offered
	CheckLittle      = "little"       // in flight = throughput x service time
	CheckLag         = "lag"          // the generator was on time
	CheckTeardown    = "teardown"     // connections ended in good order
	CheckCPU         = "cpu"          // nobody waited for a core
	CheckLedger      = "ledger"       // memory slopes are narrow
	CheckMoney       = "money"        // red envelopes: every cent is given once
)

// Judge holds the run to the invariants of the measuring: it appends what it
// finds and sets the verdict, INVALID if any finding is fatal, also one that was
// there before. It looks at the Run alone; that the interval logs hold what the
// metrics say is checked by [Writer.Finish].
func (run *Run) Judge(l Limits) {
	j := judge{run: run, Limits: l}
	j.whole()
	for i := range run.Phases {
		p := &run.Phases[i]
		j.phase = p.Name
		j.counts(p)
		j.dials(p)
		j.storm(p)
		j.adversaries(p)
		j.histograms(p)
		j.closing(p.Closing)
		j.baseline(p.Closing)
		if p.Kind == Window {
			j.load(p)
			j.cpu(p)
		}
	}
	j.phase = ""
	j.pings()
	j.ledger()
	run.Verdict = Valid
	for _, f := range run.Findings {
		if f.Severity == Fatal {
			run.Verdict = Invalid
		}
	}
}

type judge struct {
	Limits
	run   *Run
	phase string // of the findings being made
}

func (j *judge) find(s Severity, check, format string, a ...any) {
	j.run.Findings = append(j.run.Findings, Finding{
		Severity: s, Check: check, Phase: j.phase, Text: fmt.Sprintf(format, a...),
	})
}

// whole checks what is not of one phase.
func (j *judge) whole() {
	run := j.run
	if run.Partial {
		j.find(Fatal, CheckPartial, "expected the whole plan, the run was stopped after %v", run.Ended.Sub(run.Started).Round(time.Millisecond))
	}
	j.alive()
	var asked uint64
	ramps := 0
	for _, p := range run.Phases {
		if p.Kind == Ramp {
			ramps++
			asked += p.Dials.Scheduled
		}
	}
	if ramps > 0 && !run.Partial && asked != uint64(run.Spec.Conns) {
		j.find(Fatal, CheckDials, "expected %d connections to be dialled, %d were", run.Spec.Conns, asked)
	}
}

// alive checks that the server, all of it, lived to the end.
func (j *judge) alive() {
	t := &j.run.Target
	if t.Alive == nil || *t.Alive {
		return
	}
	if len(t.Gone) == 0 || slices.Contains(t.Gone, t.PID) {
		j.find(Fatal, CheckServerAlive, "expected the server (pid %d) to be alive at the end, it was gone", t.PID)
		return
	}
	var lost uint64
	for _, p := range j.run.Phases {
		lost += p.Dials.Lost
	}
	j.find(Fatal, CheckServerAlive, "expected all %d processes of the server (pid %d) to be alive at the end: %d died (pid %s), %d connections were lost, and the others went on",
		t.Processes, t.PID, len(t.Gone), strings.Trim(strings.ReplaceAll(fmt.Sprint(t.Gone), " ", ", "), "[]"), lost)
}

// ledger warns of slopes that are known too vaguely to compare.
func (j *judge) ledger() {
	if j.run.Ledger == nil {
		return
	}
	if want, got, ok := j.run.Ledger.sockets(Settled); ok && !near(got, want, j.Sockets, 0) {
		j.find(Warning, CheckLedger, "expected the machine to gain %.2f TCP sockets with each connection, found %.2f: other programs opened or closed sockets meanwhile, and the kernel's figures include theirs",
			want, got)
	}
	for _, s := range j.run.Ledger.Slopes {
		if s.Kind != Settled || s.Item != ItemServerRSS && s.Item != ItemClientRSS {
			continue
		}
		half := (s.High - s.Low) / 2
		switch {
		case !s.HasInterval:
			j.find(Warning, CheckLedger, "%s: %.0f %s per connection from %d readings has no interval, expected at least 3 readings",
				s.Item, s.PerConn, s.Unit, s.Readings)
		case half > max(j.Slope*s.PerConn, j.SlopeFloor):
			j.find(Warning, CheckLedger, "%s: expected the slope within %.0f %% or %.0f %s, found %.0f %s per connection, %.0f to %.0f with 95 %% confidence",
				s.Item, j.Slope*100, j.SlopeFloor, s.Unit, s.PerConn, s.Unit, s.Low, s.High)
		}
	}
}
