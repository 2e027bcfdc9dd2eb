package sections

import (
	"fmt"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Relay says how peers of rooms reached each other through the server.
func Relay(s *digest.Suite) *table.Table {
	p := digest.SignalPart
	t := &table.Table{
		ID: "relay", Title: "Relay",
		Intro: "Peers leave their room and join it again at times that are set in advance; a joiner signals to some others: an offer to each, an answer back, and candidates both ways. " +
			"Join: due to its reply. Relay: a message to one peer, due to received by that peer. Answer: an offer due to its answer. Presence: a join due to the last of the others told of it. " +
			"Percentiles of all repetitions together, rates and CPU medians.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "peers"}, {Head: "room"}, {Head: "joins", Unit: "per s"}, {Head: "relayed", Unit: "per s"},
			{Head: "join", Unit: "p50"}, {Head: "", Unit: "p99"}, {Head: "relay", Unit: "p50"}, {Head: "", Unit: "p99"}, {Head: "", Unit: "p99.9"},
			{Head: "answer", Unit: "p99"}, {Head: "presence", Unit: "p99"}, {Head: "server CPU", Unit: "per relayed"}, {Head: "client", Unit: "cores busy"}, {Head: "lost", Unit: "messages"},
		},
	}
	for _, a := range s.Arms {
		var last *results.Phase
		var lost uint64
		conns := 0
		for _, r := range a.Counted() {
			if phase := r.Window(p); phase != nil && phase.Signal != nil {
				last, conns = phase, r.Spec.Conns
				lost += missing(phase.Signal.Joins) + missing(phase.Signal.Relays) + missing(phase.Signal.Notices)
			}
		}
		if last == nil {
			continue
		}
		join, relay := a.Merged(p, results.MetricJoin), a.Merged(p, results.MetricRelay)
		t.Add(a.Name, format.Whole(float64(conns)), format.Whole(float64(last.Signal.Size)), median(a, digest.Throughput(p)), median(a, digest.Relays(p)),
			quantile(join, 0.5), quantile(join, 0.99), quantile(relay, 0.5), quantile(relay, 0.99), quantile(relay, 0.999),
			quantile(a.Merged(p, results.MetricAnswer), 0.99), quantile(a.Merged(p, results.MetricPresence), 0.99),
			median(a, digest.RelayCPU(p)), median(a, digest.ClientCores(p)), whole(lost),
		).Bad = a.Verdict != results.Valid
		if n := fmt.Sprintf("A joiner signals to %d of the others, with %d candidates from each side, one each %v.", last.Signal.Contacts, last.Signal.Candidates, last.Signal.Trickle); len(t.Notes) == 0 || t.Notes[len(t.Notes)-1] != n {
			t.Note(n)
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	t.Note("Server CPU is all that its processes used, joins and presence included, divided by relayed messages.")
	return t
}

// missing are the operations that were due and did not succeed.
func missing(o results.Ops) uint64 { return o.Failed + o.Dropped }
