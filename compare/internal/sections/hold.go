package sections

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Hold says whether connections lived while they were held. There is a row for
// each run: what died in one is not made good by another.
func Hold(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "hold", Title: "Connections held",
		Intro: "Every connection is pinged once in each interval (RFC 6455 section 5.5.2), spread evenly, and answers with the same payload; " +
			"now and then one of them echoes a message. Each run for itself.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "Rep."}, {Head: "held"}, {Head: "for"}, {Head: "died"},
			{Head: "heartbeat", Unit: "every"}, {Head: "", Unit: "due"}, {Head: "", Unit: "answered"}, {Head: "", Unit: "failed"}, {Head: "", Unit: "p50"}, {Head: "", Unit: "p99"},
			{Head: "probe", Unit: "answered"}, {Head: "", Unit: "p50"}, {Head: "", Unit: "p99"}, {Head: "", Unit: "max"},
		},
	}
	own := slices.ContainsFunc(s.Arms, func(a *digest.Arm) bool {
		return slices.ContainsFunc(a.Runs, func(r *digest.Run) bool { return r.Pings != nil })
	})
	if own {
		t.Columns = append(t.Columns, table.Column{Head: "server's own pings", Unit: "held, per s"}, table.Column{Head: "", Unit: "whole run, came"})
	}
	for _, a := range s.Arms {
		for i, r := range a.Runs {
			h, ok := r.Total(digest.HoldPart)
			if !ok {
				continue
			}
			beat, probe := r.Histogram(digest.HoldPart, results.MetricResponse), r.Histogram(digest.HoldPart, results.MetricProbe)
			every, probes := format.Unknown, format.Unknown
			if r.Spec.Heartbeat > 0 {
				every = r.Spec.Heartbeat.String()
			}
			if h.Probes.Scheduled > 0 {
				probes = whole(h.Probes.Completed) + " of " + whole(h.Probes.Scheduled)
			}
			cells := []string{
				a.Name, fmt.Sprint(r.Repetition), held(r, h), h.Length.Round(time.Second).String(), whole(h.Dials.Lost),
				every, whole(h.Ops.Scheduled), whole(h.Ops.Completed), whole(h.Ops.Failed + h.Ops.Dropped), quantile(beat, 0.5), quantile(beat, 0.99),
				probes, quantile(probe, 0.5), quantile(probe, 0.99), quantile(probe, 1),
			}
			if own {
				cells = append(cells, pings(r, h)...)
			}
			row := t.Add(cells...)
			row.Group, row.Bad = i == 0, r.Verdict != results.Valid
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	if own {
		t.Note("The server of channels sends an empty message to each connection at its own intervals (--channel-ping). All that it sent must have come, or the run is INVALID.")
	}
	t.Note("A heartbeat's time runs from due to answered. A connection that dies, or does not answer in time, is counted once and makes its run INVALID.")
	return t
}

// pings are those that a server of channels sent by itself: how many came each second
// while connections were held, and of all that it sent.
func pings(r *digest.Run, h digest.Total) []string {
	if r.Pings == nil || h.Length <= 0 {
		return []string{format.Unknown, format.Unknown}
	}
	return []string{format.Whole(float64(h.Pings) / h.Length.Seconds()), whole(r.Pings.Received) + " of " + whole(r.Pings.Sent)}
}

// held is how many connections lived to the end of the hold: those that the ramp
// brought, without those that were lost in any phase up to then.
func held(r *digest.Run, h digest.Total) string {
	ramp, ok := r.Total(digest.RampPart)
	if !ok || ramp.Dials.Upgraded < ramp.Dials.Lost+h.Dials.Lost {
		return format.Unknown
	}
	return whole(ramp.Dials.Upgraded - ramp.Dials.Lost - h.Dials.Lost)
}

// Connecting says how the connections came to be and what kept others from it.
func Connecting(s *digest.Suite) *table.Table {
	t := &table.Table{
		ID: "connecting", Title: "Connecting and closing",
		Intro: "Each run for itself. Orphans are sockets that no process holds any more and that are not closed at both ends yet; both they and those in TIME_WAIT are the kernel's. " +
			"Bare is TCP connect and accept with nothing else, per second, measured by the run itself before its ramp.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "Rep."}, {Head: "asked", Unit: "per s"}, {Head: "pending"}, {Head: "upgraded"}, {Head: "per s"}, {Head: "of bare"},
			{Head: "failed"}, {Head: "dropped"}, {Head: "retried"}, {Head: "Why", Text: true, Wrap: 40},
			{Head: "closed", Unit: "per s"}, {Head: "reset"}, {Head: "orphans", Unit: "most"}, {Head: "TIME_WAIT", Unit: "most"},
		},
	}
	for _, a := range s.Arms {
		for i, r := range a.Runs {
			ramp, ok := r.Total(digest.RampPart)
			if !ok || ramp.Length <= 0 {
				continue
			}
			asked := "max"
			if r.Spec.Ramp > 0 {
				asked = format.Whole(r.Spec.Ramp)
			}
			d := ramp.Dials
			cells := []string{
				a.Name, fmt.Sprint(r.Repetition), asked, format.Whole(float64(r.Spec.Pending)), whole(d.Upgraded), format.Whole(float64(d.Upgraded) / ramp.Length.Seconds()), ofBare(r),
				whole(d.Failed), whole(d.Dropped), whole(d.Retried), causes(d.Causes),
			}
			row := t.Add(append(cells, closing(r)...)...)
			row.Group, row.Bad = i == 0, r.Verdict != results.Valid
		}
	}
	return t
}

// ofBare is the rate of a ramp as a ratio to bare connect and accept, which the
// same run has measured.
func ofBare(r *digest.Run) string {
	ratio, ok := r.OfBare()
	if !ok {
		return format.Unknown
	}
	return fmt.Sprintf("%.2f of %s", ratio, format.Whole(r.Yardstick.Connects))
}

// closing is the end of a run: the rate of closing handshakes, and what became
// of the sockets.
func closing(r *digest.Run) []string {
	cells := []string{format.Unknown, format.Unknown, format.Unknown, format.Unknown}
	for _, p := range r.Phases(digest.ClosePart) {
		c := p.Closing
		if c == nil || p.Length <= 0 {
			continue
		}
		cells[0], cells[1] = format.Whole(float64(c.Begun)/p.Length.Seconds()), whole(c.Reset)
		if c.OrphansPeak >= 0 {
			cells[2] = fmt.Sprintf("%s of %s", format.Whole(float64(c.OrphansPeak)), format.Whole(float64(c.OrphansMax)))
		}
		if c.TimeWaitPeak >= 0 {
			cells[3] = format.Whole(float64(c.TimeWaitPeak))
		}
	}
	return cells
}

// causes lists why something failed, the most frequent first.
func causes(m map[results.Cause]uint64) string {
	list := slices.SortedFunc(maps.Keys(m), func(x, y results.Cause) int {
		return cmp.Or(cmp.Compare(m[y], m[x]), cmp.Compare(x, y))
	})
	var parts []string
	for _, c := range list {
		if m[c] > 0 {
			parts = append(parts, whole(m[c])+" "+string(c))
		}
	}
	return strings.Join(parts, ", ")
}

func whole(n uint64) string { return format.Whole(float64(n)) }
