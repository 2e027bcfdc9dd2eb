package sections

import (
	"fmt"
	"strconv"
	"strings"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/stat"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Summary is what an engineer wants on one screen: one row per arm. Of workloads
// it shows those that ran.
func Summary(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "summary", Title: "Summary",
		Intro: "Memory is what one further connection costs: the slope over several plateaus, idle and settled. Response time runs from the moment a message was due. " +
			"Percentiles are read from histograms merged over the repetitions.",
		Columns: []table.Column{{Head: "Engine", Text: true}, {Head: "Verdict", Text: true}},
	}
	list := summaryFigures(s)
	for _, f := range list {
		t.Columns = append(t.Columns, table.Column{Head: f.head, Unit: f.unit})
	}
	for _, a := range s.Arms {
		cells := []string{a.Name, verdict(s, a)}
		for _, f := range list {
			cells = append(cells, f.of(a))
		}
		t.Add(cells...).Bad = a.Verdict != results.Valid
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
			t.Note(fmt.Sprintf("%s fails %s (see Conformance).", a.Name, failing(a.Conformance.Failed)))
		}
	}
	return t
}

// failing names the conformance cases that something fails, the first of them where
// they are many.
func failing(failed []results.CaseResult) string {
	const most = 8
	var cases []string
	for _, f := range failed[:min(most, len(failed))] {
		cases = append(cases, f.Name)
	}
	if len(failed) > most {
		return fmt.Sprintf("%d conformance cases: %s and others", len(failed), strings.Join(cases, ", "))
	}
	return "the conformance cases " + strings.Join(cases, ", ")
}

// a summaryFigure is a column of the summary.
type summaryFigure struct {
	head, unit string
	of         func(*digest.Arm) string
}

// summaryFigures are the columns for what the suite has measured.
func summaryFigures(s *digest.Suite) []summaryFigure {
	slope := func(head, unit, item string, u digest.Unit) summaryFigure {
		q := digest.Slope(item, item, u)
		return summaryFigure{head, unit, func(a *digest.Arm) string { return median(a, q) }}
	}
	mid := func(head, unit string, q digest.Quantity) summaryFigure {
		return summaryFigure{head, unit, func(a *digest.Arm) string { return median(a, q) }}
	}
	times := func(head string, p digest.Part, metric string, quantiles ...float64) []summaryFigure {
		var list []summaryFigure
		for _, q := range quantiles {
			list = append(list, summaryFigure{head, digest.QuantileName(q), func(a *digest.Arm) string { return quantile(a.Merged(p, metric), q) }})
			head = ""
		}
		return list
	}
	list := []summaryFigure{
		slope("RSS", "B/conn", results.ItemServerRSS, digest.BytesPerConn), slope("heap", "B/conn", "server.heap", digest.BytesPerConn),
		slope("kernel ½", "B/conn", results.ItemKernelServer, digest.BytesPerConn), slope("gorout.", "per conn", "server.goroutines", digest.CountPerConn),
	}
	list = append(list, times("upgrade", digest.RampPart, results.MetricUpgrade, 0.5, 0.99)...)
	if ran(s, digest.EchoPart) {
		list = append(list, times("response", digest.EchoPart, results.MetricResponse, 0.5, 0.99, 0.999, 1)...)
	}
	if ran(s, digest.ClosedPart) {
		list = append(list, mid("closed loop", "msg/s", digest.Throughput(digest.ClosedPart)))
	}
	if ran(s, digest.EchoPart) {
		list = append(list, mid("server CPU", "per msg", digest.ServerCPU(digest.EchoPart)))
	}
	if p := digest.SignalPart; ran(s, p) {
		list = append(list, times("relay", p, results.MetricRelay, 0.5, 0.99, 0.999)...)
		list = append(list, times("join", p, results.MetricJoin, 0.99)...)
		list = append(list, mid("server CPU", "per relayed", digest.RelayCPU(p)))
	}
	if p := digest.HongbaoPart; ran(s, p) {
		list = append(list, mid("shakes", "per s", digest.Throughput(p)))
		list = append(list, times("shake", p, results.MetricResponse, 0.5, 0.99, 0.999)...)
		list = append(list, times("grab", p, results.MetricGrab, 0.99)...)
		list = append(list, mid("server CPU", "per shake", digest.ServerCPU(p)))
	}
	if p := digest.PushPart; ran(s, p) {
		list = append(list, times("push", p, results.MetricResponse, 0.5, 0.99, 0.999)...)
		list = append(list, mid("server CPU", "per push", digest.ServerCPU(p)))
	}
	for _, of := range fanoutParts {
		if p := of.part; ran(s, p) {
			list = append(list, mid("deliveries", "per s, "+of.loop, digest.Deliveries(p)), mid("of bare", of.loop, digest.DeliveriesOfBare(p)))
			list = append(list, summaryFigure{"last had it", "p90, " + of.loop, func(a *digest.Arm) string { return quantile(a.Merged(p, digest.LastDelivery(p)), 0.9) }})
		}
	}
	for _, p := range digest.Storms(s) {
		list = append(list, mid("all back", "backoff "+p.Waits(), digest.Recovery(p)))
	}
	for _, p := range digest.HealthyParts() {
		if ran(s, p.WithAdversaries()) {
			list = append(list, mid("beside adversaries", p.Workload+" p99, ratio", digest.Suffering(p)))
		}
	}
	return list
}

// ran reports whether a run of the suite has that part.
func ran(s *digest.Suite, p digest.Part) bool {
	for _, a := range s.Arms {
		for _, r := range a.Runs {
			if r.Window(p) != nil {
				return true
			}
		}
	}
	return false
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
		case results.WorkloadSignal:
			parts = append(parts, fmt.Sprintf("signaling in rooms of %d with %s relayed messages/s", sp.Swarm, format.Whole(sp.Rate)))
		case results.WorkloadBroadcastClosed:
			parts = append(parts, fmt.Sprintf("closed-loop broadcast to %s with %d in flight", count(sp.Rooms, "room"), sp.InFlight))
		case results.WorkloadBroadcast:
			parts = append(parts, fmt.Sprintf("open-loop broadcast to %s at %s/s", count(sp.Rooms, "room"), strconv.FormatFloat(sp.Rate, 'f', -1, 64)))
		case results.WorkloadHongbao:
			parts = append(parts, fmt.Sprintf("red envelopes with %s shakes/s", format.Whole(sp.Rate)))
		case results.WorkloadPush:
			parts = append(parts, fmt.Sprintf("%s/s published, each to the channel of one connection", format.Whole(sp.Rate)))
		case results.WorkloadStorm:
			parts = append(parts, "loss of all connections at once")
		}
	}
	switch sp.Proto {
	case "":
	case "channel":
		parts = append(parts, "subscribed by their path")
	default:
		parts = append(parts, "spoken over "+sp.Proto)
	}
	if len(sp.Adversaries) > 0 {
		parts = append(parts, "without and beside "+beside(sp.Adversaries))
	}
	return fmt.Sprintf("Load: %s; %d B payload, %v windows after %v of warm-up.", strings.Join(parts, ", "), sp.Payload, sp.Window, sp.WarmUp)
}

// count writes a number of things: "1 room", "20 rooms".
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return format.Whole(float64(n)) + " " + one + "s"
}
