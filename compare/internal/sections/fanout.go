package sections

import (
	"fmt"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// fanoutParts are the parts that broadcast, each with the name of its loop.
var fanoutParts = []struct {
	part digest.Part
	loop string
}{
	{digest.BroadcastClosedPart, "closed"},
	{digest.BroadcastPart, "open"},
}

// Fanout says how long a published message was on its way to all of a room.
func Fanout(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "fanout", Title: "Fan-out",
		Intro: "A message is published in a room and must reach every receiver once. Deliveries count it once for each, over the time in which at least one message was on its way. " +
			"First, median, p99 and last are when it had reached the first receiver, half of them, 99 % and the last, in the middle (p50) of all messages and in their tail: " +
			"from the moment it was due in the open loop, from its sending in the closed one.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "Loop", Text: true}, {Head: "asked", Unit: "msg/s"}, {Head: "room"}, {Head: "messages"},
			{Head: "deliveries", Unit: "per s"}, {Head: "of bare"}, {Head: "per server", Unit: "core-second"}, {Head: "client", Unit: "cores busy"},
			{Head: "first", Unit: "p50"}, {Head: "median", Unit: "p50"}, {Head: "p99", Unit: "p50"}, {Head: "last", Unit: "p50"}, {Head: "", Unit: "p90"}, {Head: "", Unit: "max"}, {Head: "lost", Unit: "deliveries"},
		},
	}
	bare := false
	for _, of := range fanoutParts {
		first := true
		for _, a := range s.Arms {
			var last *results.Phase
			var lost, published uint64
			for _, r := range a.Counted() {
				if phase := r.Window(of.part); phase != nil && phase.Fanout != nil {
					last = phase
					lost += missing(phase.Fanout.Deliveries)
					published += phase.Ops.Completed
					bare = bare || phase.Fanout.Bare != nil
				}
			}
			if last == nil {
				continue
			}
			asked := format.Unknown
			if !of.part.Closed {
				asked = format.Whole(last.Offered)
			}
			end := a.Merged(of.part, digest.LastDelivery(of.part))
			row := t.Add(a.Name, of.loop, asked, rooms(last.Fanout), whole(published),
				median(a, digest.Deliveries(of.part)), median(a, digest.DeliveriesOfBare(of.part)), median(a, digest.DeliveriesPerCore(of.part)), median(a, digest.ClientCores(of.part)),
				quantile(a.Merged(of.part, results.MetricFirst), 0.5), quantile(a.Merged(of.part, results.MetricMedian), 0.5), quantile(a.Merged(of.part, results.MetricP99), 0.5),
				quantile(end, 0.5), quantile(end, 0.9), quantile(end, 1), whole(lost))
			row.Group, row.Bad = first, a.Verdict != results.Valid
			first = false
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	if bare {
		t.Note("Bare is a loop of write(2) over as many TCP connections of loopback, frames of the same size, and a bare epoll reader at the other end, measured in the same run.")
	}
	t.Note("The load generator reads every delivery on the same machine: where it keeps a processor busy, it is a part of what is measured.")
	return t
}

// rooms writes how many receivers a message has, and in how many rooms.
func rooms(f *results.Fanout) string {
	if f.Rooms > 1 {
		return fmt.Sprintf("%s in each of %s", format.Whole(float64(f.Receivers)), format.Whole(float64(f.Rooms)))
	}
	return format.Whole(float64(f.Receivers))
}
