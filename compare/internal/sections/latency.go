package sections

import (
	"slices"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// timing is a metric that the report shows.
type timing struct {
	part   digest.Part
	metric string
	name   string
}

// timings in the order of a report.
var timings = []timing{
	{digest.RampPart, results.MetricConnect, "connect (due to established)"},
	{digest.RampPart, results.MetricTLS, "TLS"},
	{digest.RampPart, results.MetricUpgrade, "upgrade (request to 101)"},
	{digest.RampPart, results.MetricFirstEcho, "first echo"},
	{digest.RampPart, results.MetricJoin, "first join (sent to its reply)"},
	{digest.HoldPart, results.MetricResponse, "heartbeat (due to answered)"},
	{digest.HoldPart, results.MetricLag, "heartbeat lag (due to sent)"},
	{digest.HoldPart, results.MetricProbe, "probe while held (due to received)"},
	{digest.EchoPart, results.MetricResponse, "echo response (due to received)"},
	{digest.EchoPart, results.MetricService, "echo service (sent to received)"},
	{digest.EchoPart, results.MetricLag, "generator lag (due to sent)"},
	{digest.ClosedPart, results.MetricService, "closed-loop service"},
	{digest.ChurnPart, results.MetricDial, "churn dial (due to 101)"},
	{digest.ChurnPart, results.MetricUpgrade, "churn upgrade"},
	{digest.SignalPart, results.MetricJoin, "join (due to its reply)"},
	{digest.SignalPart, results.MetricRelay, "relay (due to received by the peer)"},
	{digest.HongbaoPart, results.MetricResponse, "shake (due to its reply)"},
	{digest.SignalPart, results.MetricAnswer, "answer (offer due to answer received)"},
	{digest.SignalPart, results.MetricPresence, "presence (join due to the last told)"},
	{digest.SignalPart, results.MetricLag, "signal lag (due to sent)"},
	{digest.PushPart, results.MetricResponse, "push response (due to received by the subscriber)"},
	{digest.PushPart, results.MetricService, "push service (published to received)"},
	{digest.PushPart, results.MetricLag, "push lag (due to published)"},
}

// timingsOf is timings and those of the workloads that stand in a run in more
// than one form.
func timingsOf(s *digest.Suite) []timing {
	list := slices.Clone(timings)
	for _, of := range fanoutParts {
		loop := of.loop + "-loop broadcast"
		list = append(list,
			timing{of.part, results.MetricDelivery, loop + ", each delivery"},
			timing{of.part, results.MetricFirst, loop + ", first"},
			timing{of.part, results.MetricMedian, loop + ", median"},
			timing{of.part, results.MetricP99, loop + ", 99 %"},
			timing{of.part, digest.LastDelivery(of.part), loop + ", last"},
			timing{of.part, results.MetricLag, loop + ", lag"})
	}
	for _, p := range digest.Storms(s) {
		list = append(list,
			timing{p, results.MetricRecovery, "storm, backoff " + p.Waits() + ": lost to back"},
			timing{p, results.MetricUpgrade, "storm, backoff " + p.Waits() + ": upgrade"})
	}
	for _, p := range digest.HealthyParts() {
		list = append(list, timing{p.WithAdversaries(), digest.Healthy(p), p.Workload + " " + digest.Healthy(p) + " beside adversaries"})
	}
	return list
}

var quantiles = []float64{0.5, 0.9, 0.99, 0.999, 0.9999, 1}

// Latency gives the percentiles of every time, merged over the repetitions.
func Latency(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "latency", Title: "Latency",
		Intro:   "Percentiles of all repetitions together, from merged histograms of three significant digits. A percentile with less than one value beyond it is left out.",
		Columns: []table.Column{{Head: "Time", Text: true}, {Head: "Engine", Text: true}},
	}
	for _, q := range quantiles {
		t.Columns = append(t.Columns, table.Column{Head: digest.QuantileName(q)})
	}
	t.Columns = append(t.Columns, table.Column{Head: "values"}, table.Column{Head: "out of range"})
	for _, tm := range timingsOf(s) {
		first := true
		for _, a := range s.Arms {
			h := a.Merged(tm.part, tm.metric)
			if h == nil {
				continue
			}
			cells := []string{"", a.Name}
			if first {
				cells[0] = tm.name
			}
			for _, q := range quantiles {
				cells = append(cells, quantile(h, q))
			}
			cells = append(cells, format.Whole(float64(h.Count())), format.Whole(float64(h.Below()+h.Above())))
			r := t.Add(cells...)
			r.Group, r.Bad = first, a.Verdict != results.Valid
			first = false
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	t.Note("Closed loop sends when an answer arrived, so its service time says nothing about latency under a given load; it is N / throughput when the server is saturated.")
	return t
}
