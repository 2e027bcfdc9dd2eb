package sections

import (
	"fmt"
	"strings"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/stat"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Summary is what an engineer wants on one screen: one row per arm.
func Summary(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "summary", Title: "Summary",
		Intro: "Memory is what one further connection costs: the slope over several plateaus, idle and settled. Response time runs from the moment a message was due. " +
			"Percentiles are read from histograms merged over the repetitions.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "Verdict", Text: true},
			{Head: "RSS", Unit: "B/conn"}, {Head: "heap", Unit: "B/conn"}, {Head: "kernel ½", Unit: "B/conn"}, {Head: "gorout.", Unit: "per conn"},
			{Head: "upgrade", Unit: "p50"}, {Head: "", Unit: "p99"},
			{Head: "response", Unit: "p50"}, {Head: "", Unit: "p99"}, {Head: "", Unit: "p99.9"}, {Head: "", Unit: "max"},
			{Head: "closed loop", Unit: "msg/s"}, {Head: "server CPU", Unit: "per msg"},
		},
	}
	slope := func(item string, u digest.Unit) digest.Quantity { return digest.Slope(item, item, u) }
	for _, a := range s.Arms {
		up, re := a.Merged(digest.RampPart, results.MetricUpgrade), a.Merged(digest.EchoPart, results.MetricResponse)
		r := t.Add(a.Name, verdict(s, a),
			median(a, slope(results.ItemServerRSS, digest.BytesPerConn)), median(a, slope("server.heap", digest.BytesPerConn)),
			median(a, slope(results.ItemKernelServer, digest.BytesPerConn)), median(a, slope("server.goroutines", digest.CountPerConn)),
			quantile(up, 0.5), quantile(up, 0.99),
			quantile(re, 0.5), quantile(re, 0.99), quantile(re, 0.999), quantile(re, 1),
			median(a, digest.Throughput(digest.ClosedPart)), median(a, digest.ServerCPU(digest.EchoPart)))
		r.Bad = a.Verdict != results.Valid
	}
	if first := s.First(); first != nil {
		t.Note(load(first))
	}
	if s.NoClaim != "" {
		t.Note("No claim: " + s.NoClaim + ".")
	} else if support := stat.Support(s.Repetitions); support != "" {
		t.Note(support + " about a difference; figures are medians, or percentiles of all repetitions together.")
	}
	for _, a := range s.Arms {
		if len(a.Conformance.Failed) > 0 {
			var cases []string
			for _, f := range a.Conformance.Failed {
				cases = append(cases, f.Name)
			}
			t.Note(fmt.Sprintf("%s fails the conformance cases %s (see Conformance).", a.Name, strings.Join(cases, ", ")))
		}
	}
	return t
}

// load describes what was asked of the load generator in one line.
func load(r *digest.Run) string {
	sp := r.Spec
	parts := []string{fmt.Sprintf("%s connections in %d plateaus", format.Whole(float64(sp.Conns)), sp.Plateaus)}
	for _, w := range sp.Workloads {
		switch w {
		case "hold":
			if sp.Heartbeat > 0 {
				parts = append(parts, fmt.Sprintf("held with a heartbeat each %v", sp.Heartbeat))
			} else {
				parts = append(parts, "idle hold")
			}
		case "echo":
			parts = append(parts, fmt.Sprintf("open-loop echo at %s/s", format.Whole(sp.Rate)))
		case "echo-closed":
			parts = append(parts, fmt.Sprintf("closed-loop echo with %d in flight", sp.InFlight))
		case "churn":
			parts = append(parts, fmt.Sprintf("churn with a mean lifetime of %v", sp.Lifetime))
		}
	}
	return fmt.Sprintf("Load: %s; %d B payload, %v windows after %v of warm-up.", strings.Join(parts, ", "), sp.Payload, sp.Window, sp.WarmUp)
}
