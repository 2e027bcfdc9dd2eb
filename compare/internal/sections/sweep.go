package sections

import (
	"math"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/format"
	"signalbench/compare/internal/table"
	"signalbench/results"
)

// Sweep tells what each setting of the Go runtime costs and gives, engine by engine;
// nil unless arms have settings.
func Sweep(s *digest.Suite) *table.Table {
	points := digest.Sweep(s)
	if len(points) == 0 {
		return nil
	}
	t := &table.Table{
		ID: "sweep", Title: "Settings of the Go runtime",
		Intro: "The same load on the same engine, and only GOGC and the memory limit of the server differ: first echoes, which leave little garbage, then connections that come and go, which leave much. " +
			"Peak RSS is the most that the server's processes had in either. What the collector did is of the window with churn alone. A stop of the world has whatever reason, and lasts from the request to its end.",
		Columns: []table.Column{
			{Head: "Engine", Text: true}, {Head: "GOGC", Unit: "%"}, {Head: "memory limit"}, {Head: "Verdict", Text: true}, {Head: "peak RSS"}, {Head: "server CPU", Unit: "per echo"},
			{Head: "GC", Unit: "of its CPU"}, {Head: "one every", Unit: "of a process"}, {Head: "GC pause", Unit: "p99"}, {Head: "", Unit: "max"},
			{Head: "world stopped", Unit: "p99"}, {Head: "", Unit: "max"}, {Head: "echo response", Unit: "p99"}, {Head: "dial", Unit: "p99"},
		},
	}
	engine := ""
	for _, p := range points {
		set := p.Arm.Setting
		part := format.Unknown
		if !math.IsNaN(p.Part) {
			part = format.Percent(p.Part)
		}
		limit := set.MemoryLimit
		if limit == "" {
			limit = "none"
		}
		row := t.Add(set.Engine, set.GOGC, limit, verdict(s, p.Arm), value(p.Peak, digest.Bytes), value(p.CPU, digest.NsPerMessage), part, value(p.Interval, digest.Nanoseconds),
			pause(p.Pauses.Count, float64(p.Pauses.P99)), pause(p.Pauses.Count, float64(p.Pauses.Max)), pause(p.Stops.Count, float64(p.Stops.P99)), pause(p.Stops.Count, float64(p.Stops.Max)),
			quantile(p.Arm.Merged(digest.EchoPart, results.MetricResponse), 0.99), quantile(p.Arm.Merged(digest.ChurnPart, results.MetricDial), 0.99))
		row.Group, row.Bad = engine != set.Engine, p.Arm.Verdict != results.Valid
		engine = set.Engine
	}
	t.Note("Where there was no collection in the window there is no pause. Pauses are upper bounds of the Go runtime's buckets. The collector's part of the processor time is the runtime's estimate by the clock, too high where there are more threads than processors.")
	if longest, of := longestStop(points); longest > 0 {
		t.Note("The longest time that the world stood still in any of them: " + value(longest, digest.Nanoseconds) + ", on " + of + ".")
	}
	return t
}

// longestStop is the longest stop of the world of all, in nanoseconds, and whose.
func longestStop(points []digest.SweepPoint) (longest float64, of string) {
	for _, p := range points {
		if d := float64(p.Stops.Max); p.Stops.Count > 0 && d > longest {
			longest, of = d, p.Arm.Name
		}
	}
	return longest, of
}
