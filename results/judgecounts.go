package results

import "time"

// counts checks that nothing was lost from the books and that every message
// came back once, in order and unchanged.
func (j *judge) counts(p *Phase) {
	o := &p.Ops
	j.books("", o)
	if p.Fanout != nil {
		j.fanout(p)
	}
	if p.Signal != nil {
		j.signal(p)
	}
	if p.Hongbao != nil {
		j.hongbao(p)
	}
	if p.Length > 0 && p.Ops.Scheduled > 0 {
		// Less is right: some complete after the end of the phase.
		if rate := float64(o.Completed) / p.Length.Seconds(); !(p.Achieved <= rate*(1+j.Offered)+1/p.Length.Seconds()) {
			j.find(Fatal, CheckAccounting, "expected %d completed in %v to be %.1f/s at most, the run reports %.1f/s",
				o.Completed, p.Length.Round(time.Millisecond), rate, p.Achieved)
		}
	}
	if held(p) {
		j.held(p)
		return
	}
	if p.Kind == Ramp {
		j.loss(CheckLoss, "greetings", "failed: first messages or joins of connections", o.Failed, o.Scheduled)
	}
	if p.Kind != Window || p.Storm != nil {
		return // greetings of a storm that fail are tried again with their dials
	}
	if p.Model != NoLoad && p.Model != "" && o.Completed == 0 {
		j.find(Fatal, CheckCompleted, "expected operations in %v, none was completed", p.Length.Round(time.Millisecond))
	}
	j.loss(CheckLoss, "operations", "dropped: they were due and never sent", o.Dropped, o.Scheduled)
	j.loss(CheckLoss, "operations", "failed", o.Failed, o.Scheduled)
}

// books checks that operations are all accounted for, and delivered once. what
// names them if they are not the phase's own.
func (j *judge) books(what string, o *Ops) {
	sum := o.Completed + o.Failed + o.Dropped
	if o.Scheduled != sum && !j.run.Partial {
		j.find(Fatal, CheckAccounting, "%sexpected scheduled = completed + failed + dropped, found %d scheduled and %d + %d + %d = %d",
			what, o.Scheduled, o.Completed, o.Failed, o.Dropped, sum)
	}
	causes := sumCauses(o.Causes)
	if len(o.Causes) > 0 && causes != o.Failed+o.Dropped && !j.run.Partial {
		j.find(Fatal, CheckAccounting, "%sexpected causes for %d failed and %d dropped operations, found causes for %d",
			what, o.Failed, o.Dropped, causes)
	}
	if o.Missing+o.Duplicate+o.Reordered+o.Corrupt > 0 {
		j.find(Fatal, CheckDelivery, "%sexpected every message once, in order and unchanged, found %d missing, %d duplicate, %d reordered, %d corrupt of %d",
			what, o.Missing, o.Duplicate, o.Reordered, o.Corrupt, o.Scheduled)
	}
}

// dials checks the books of connections.
func (j *judge) dials(p *Phase) {
	d := &p.Dials
	sum := d.Upgraded + d.Failed + d.Dropped
	if d.Scheduled != sum && !j.run.Partial {
		j.find(Fatal, CheckDials, "expected scheduled = upgraded + failed + dropped dials, found %d scheduled and %d + %d + %d = %d",
			d.Scheduled, d.Upgraded, d.Failed, d.Dropped, sum)
	}
	if p.Kind == Ramp && d.Scheduled > 0 && d.Upgraded == 0 {
		j.find(Fatal, CheckDials, "expected %d connections, none was upgraded", d.Scheduled)
	}
	j.loss(CheckDials, "dials", "dropped: they were due and never tried", d.Dropped, d.Scheduled)
	if p.Storm != nil {
		return // connections are meant to be lost, and dials to be tried again
	}
	j.loss(CheckDials, "dials", "failed", d.Failed, d.Scheduled)
	if p.Kind == Teardown || held(p) {
		return // connections are meant to end; they are held to more elsewhere
	}
	j.loss(CheckDials, "connections", "lost: the server or an error ended them", d.Lost, max(uint64(j.run.Spec.Conns), d.Upgraded))
}

// loss reports n of total that are missing from every percentile.
func (j *judge) loss(check, what, how string, n, total uint64) {
	if n == 0 {
		return
	}
	s, share := Warning, 1.0
	if total > 0 {
		share = float64(n) / float64(total)
	}
	if share > j.Loss {
		s = Fatal
	}
	j.find(s, check, "%d of %d %s (%.3f %%) %s; expected none, the limit is %.3f %%", n, total, what, share*100, how, j.Loss*100)
}

// A span is how many values a histogram may hold.
type span struct{ least, most uint64 }

// histograms checks that each metric of a phase holds exactly one value for
// each operation or dial that it is about, in range or not.
func (j *judge) histograms(p *Phase) {
	exactly := func(n uint64) span { return span{n, n} }
	dials, ops := &p.Dials, &p.Ops
	connected := span{dials.Upgraded, dials.Scheduled + dials.Retried} // an upgrade may fail after its connect
	back := span{0, dials.Upgraded}
	if p.Storm != nil {
		back.least = p.Storm.Back // one that is lost again comes back again
	}
	want := map[string]span{
		MetricConnect:   connected,
		MetricTLS:       connected,
		MetricUpgrade:   exactly(dials.Upgraded),
		MetricDial:      exactly(dials.Upgraded),
		MetricFirstEcho: {0, dials.Upgraded},
		MetricResponse:  exactly(ops.Completed),
		MetricService:   exactly(ops.Completed),
		MetricLag:       exactly(ops.Completed + ops.Failed), // all that was sent
		MetricProbe:     exactly(p.Probes.Completed),
		MetricRecovery:  back,
		MetricJoin:      exactly(ops.Completed), // what a connection begins with
	}
	if p.Fanout != nil {
		fanoutSpans(p, want)
	}
	if p.Signal != nil {
		signalSpans(p, want)
	}
	if p.Hongbao != nil {
		want[MetricGrab] = exactly(p.Hongbao.Grabs.Completed)
	}
	for _, m := range p.Metrics {
		total := m.Count + m.Below + m.Above
		if w, ok := want[m.Name]; ok && !j.run.Partial && (total < w.least || total > w.most) {
			if w.least == w.most {
				j.find(Fatal, CheckHistogram, "%s: expected %d values, found %d", m.Name, w.least, total)
			} else {
				j.find(Fatal, CheckHistogram, "%s: expected %d to %d values, found %d", m.Name, w.least, w.most, total)
			}
		}
		if m.Above > 0 {
			j.find(Fatal, CheckHistogram, "%s: expected every value within %v, %d of %d were longer and are in no percentile",
				m.Name, HighestValue, m.Above, total)
		}
		if m.Below > 0 && m.Name != MetricLag { // to be on time is no fault
			j.find(Warning, CheckHistogram, "%s: expected every value to be %v or more, %d of %d were shorter and are in no percentile",
				m.Name, LowestValue, m.Below, total)
		}
	}
	if p.Kind != Window || ops.Scheduled == 0 {
		return
	}
	_, response := p.Metric(MetricResponse)
	_, service := p.Metric(MetricService)
	_, lag := p.Metric(MetricLag)
	switch {
	case p.Model == ClosedLoop && response:
		j.find(Fatal, CheckModel, "a closed loop has no due times: expected no response time, found one")
	case !service:
		j.find(Fatal, CheckModel, "expected a service time, found none")
	case p.Model == OpenLoop && !(response && lag):
		j.find(Fatal, CheckModel, "expected a response time and a lag in an open loop, found response %v, lag %v", response, lag)
	}
}

func sumCauses(causes map[Cause]uint64) uint64 {
	var n uint64
	for _, c := range causes {
		n += c
	}
	return n
}

// near reports whether got is within a relative tolerance and an absolute slack
// of want.
func near(got, want, tolerance, slack float64) bool {
	diff := got - want
	if diff < 0 {
		diff = -diff
	}
	return diff <= tolerance*want+slack // false for NaN
}
