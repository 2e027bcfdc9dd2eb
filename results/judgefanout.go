package results

import "time"

// fanout checks the books of what was delivered to many.
func (j *judge) fanout(p *Phase) {
	f := p.Fanout
	d := &f.Deliveries
	j.books("deliveries: ", d)
	published := p.Ops.Completed + p.Ops.Failed
	var lost uint64
	for _, q := range j.run.Phases {
		lost += q.Dials.Lost
	}
	// Rooms may be of different sizes, and whoever is lost is no receiver any more.
	most := published * uint64(max(f.Receivers, 0))
	if d.Scheduled > most || f.Rooms == 1 && lost == 0 && d.Scheduled != most && !j.run.Partial {
		j.find(Fatal, CheckAccounting, "deliveries: expected %d messages published to %d receivers to be %d deliveries, found %d scheduled",
			published, f.Receivers, most, d.Scheduled)
	}
	if p.Kind == Window {
		j.loss(CheckLoss, "deliveries", "failed", d.Failed, d.Scheduled)
	}
	if f.Busy < 0 || f.Busy > 0 && !near(f.PerSecond, float64(d.Completed)/f.Busy.Seconds(), j.Offered, 0) {
		j.find(Fatal, CheckAccounting, "deliveries: expected %d in %v to be %.1f/s, the run reports %.1f/s",
			d.Completed, f.Busy.Round(time.Millisecond), float64(d.Completed)/f.Busy.Seconds(), f.PerSecond)
	}
}

// fanoutSpans is how many values the histograms of a broadcast may hold. A message
// that did not reach all has reached some, or none.
func fanoutSpans(p *Phase, want map[string]span) {
	d, ops := &p.Fanout.Deliveries, &p.Ops
	want[MetricDelivery] = span{d.Completed, d.Completed}
	reached := span{ops.Completed, ops.Completed + ops.Failed}
	want[MetricFirst], want[MetricMedian], want[MetricP99] = reached, reached, reached
}
