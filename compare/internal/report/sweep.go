package report

import (
	"math"
	"slices"
	"time"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/figure"
	"signalbench/compare/internal/format"
	"signalbench/results"
)

// sweep draws what settings of the Go runtime cost and give, a line for each engine;
// nil unless arms have settings.
func sweep(s *digest.Suite) (*figure.Figure, error) {
	points := digest.Sweep(s)
	var engines, settings []string
	for _, p := range points {
		if e := p.Arm.Setting.Engine; !slices.Contains(engines, e) {
			engines = append(engines, e)
		}
		if n := settingName(p.Arm.Setting); !slices.Contains(settings, n) {
			settings = append(settings, n)
		}
	}
	duration := func(v float64) string { return format.Duration(time.Duration(v)) }
	panels := []figure.Panel{
		{Title: "server's peak RSS", Tick: func(v float64) string { return format.Whole(v) + " MiB" }},
		{Title: "server's processor time for an echo", Tick: duration},
		{Title: "from one collection to the next", Tick: duration},
		{Title: "collector's part of the processor time", Tick: format.Percent},
		{Title: "pause for the collector, p99", Tick: duration},
		{Title: "world stopped for any reason, p99", Tick: duration},
	}
	for i := range panels {
		for range engines {
			panels[i].Values = append(panels[i].Values, slices.Repeat([]float64{math.NaN()}, len(settings)))
		}
	}
	for _, p := range points {
		e, x := slices.Index(engines, p.Arm.Setting.Engine), slices.Index(settings, settingName(p.Arm.Setting))
		for i, v := range []float64{p.Peak / (1 << 20), p.CPU, p.Interval, p.Part, quantileOf(p.Pauses), quantileOf(p.Stops)} {
			panels[i].Values[e][x] = v
		}
	}
	return figure.Settings("sweep", "Settings of the Go runtime", "The same echoes and the same churn under each setting of the server, a line for each engine; what the collector did is of the churn. Every axis begins at zero.",
		"GOGC", engines, settings, panels)
}

// settingName is short enough to stand at an axis.
func settingName(s *results.Setting) string {
	if s.MemoryLimit != "" {
		return s.GOGC + ", " + s.MemoryLimit
	}
	return s.GOGC
}

// quantileOf is the p99, NaN where there was no pause.
func quantileOf(p results.Pauses) float64 {
	if p.Count == 0 {
		return math.NaN()
	}
	return float64(p.P99)
}
