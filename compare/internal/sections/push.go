package sections

import (
	"fmt"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Push says how messages that are published to one connection each reached it.
func Push(s *digest.Suite) *table.Table {
	p := digest.PushPart
	t := &table.Table{
		ID: "push", Title: "Push",
		Intro: "Each connection subscribes to a channel of its own. At times that are set in advance a message is published to one of them after the other, through the server's admin listener. " +
			"Response: from the moment the message was due until that connection has it; service: from the moment it was published. " +
			"Percentiles of all repetitions together, rates and CPU medians.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "subscribers"}, {Head: "asked", Unit: "per s"}, {Head: "reached", Unit: "per s"},
			{Head: "response", Unit: "p50"}, {Head: "", Unit: "p90"}, {Head: "", Unit: "p99"}, {Head: "", Unit: "p99.9"}, {Head: "", Unit: "max"},
			{Head: "service", Unit: "p50"}, {Head: "", Unit: "p99"}, {Head: "server CPU", Unit: "per push"}, {Head: "client", Unit: "cores busy"}, {Head: "lost", Unit: "messages"},
		},
	}
	for _, a := range s.Arms {
		var lost uint64
		var last *digest.Run
		for _, r := range a.Counted() {
			if phase := r.Window(p); phase != nil {
				last = r
				lost += missing(phase.Ops)
			}
		}
		if last == nil {
			continue
		}
		response, service := a.Merged(p, results.MetricResponse), a.Merged(p, results.MetricService)
		t.Add(a.Name, format.Whole(float64(last.Spec.Conns)), value(last.Window(p).Offered, digest.PerSecond), median(a, digest.Throughput(p)),
			quantile(response, 0.5), quantile(response, 0.9), quantile(response, 0.99), quantile(response, 0.999), quantile(response, 1),
			quantile(service, 0.5), quantile(service, 0.99), median(a, digest.ServerCPU(p)), median(a, digest.ClientCores(p)), whole(lost),
		).Bad = a.Verdict != results.Valid
		if n := fmt.Sprintf("A message has %d B.", last.Spec.Payload); len(t.Notes) == 0 || t.Notes[len(t.Notes)-1] != n {
			t.Note(n)
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	t.Note("Server CPU is all that its processes used, the HTTP requests that publish included, divided by messages that arrived.")
	return t
}
