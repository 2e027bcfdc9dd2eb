package digest

import (
	"maps"
	"slices"
	"time"

	"signalbench/results"
)

// A Run is one measured run with its histograms.
type Run struct {
	*results.Run
	Dir        string
	Repetition int
	// Series is the run's seconds; nil if they cannot be read, which is then a
	// finding.
	Series []results.SeriesRow

	argv       []string // of the server, by the suite
	histograms map[key]*results.Histogram
	intervals  map[key][]results.Interval
}

// key names a histogram of a run.
type key struct {
	part   Part
	metric string
}

// openRun reads a run with every histogram that a report shows.
func openRun(dir string, repetition int, argv []string) (*Run, error) {
	stored, err := results.Open(dir)
	if err != nil {
		return nil, err
	}
	r := &Run{
		Run: stored, Dir: dir, Repetition: repetition, argv: argv,
		histograms: map[key]*results.Histogram{}, intervals: map[key][]results.Interval{},
	}
	if r.Series, err = results.OpenSeries(dir); err != nil {
		r.Findings = append(r.Findings, results.Finding{Severity: results.Warning, Check: "series", Text: "nothing is shown over time: " + err.Error()})
	}
	for i := range stored.Phases {
		if err := r.read(&stored.Phases[i]); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// read reads the histograms of a phase that figures are about.
func (r *Run) read(phase *results.Phase) error {
	if phase.Kind != results.Ramp && phase.Kind != results.Window {
		return nil
	}
	for _, m := range phase.Metrics {
		if m.File == "" {
			continue
		}
		list, err := results.OpenIntervals(r.Dir, m.File)
		if err != nil {
			return err
		}
		k := key{partOf(phase), m.Name}
		r.intervals[k] = append(r.intervals[k], list...)
		h := r.histograms[k]
		if h == nil {
			h = results.NewHistogram()
			r.histograms[k] = h
		}
		for _, iv := range list {
			h.Merge(iv.Histogram)
		}
	}
	return nil
}

// Phases returns the phases of a part; a ramp with plateaus may have several.
func (r *Run) Phases(p Part) []*results.Phase {
	var list []*results.Phase
	for i := range r.Run.Phases {
		if phase := &r.Run.Phases[i]; partOf(phase) == p {
			list = append(list, phase)
		}
	}
	return list
}

// Histogram returns what was recorded of a metric in a part, or nil.
func (r *Run) Histogram(p Part, metric string) *results.Histogram {
	if h := r.histograms[key{p, metric}]; h != nil && h.Count()+h.Below()+h.Above() > 0 {
		return h
	}
	return nil
}

// Intervals returns the metric's intervals in a part, in the order of time.
func (r *Run) Intervals(p Part, metric string) []results.Interval {
	return r.intervals[key{p, metric}]
}

// A Total is what the phases of a part add up to.
type Total struct {
	Length         time.Duration
	Ops            results.Ops
	Dials          results.Dials
	Probes         results.Ops
	Pings          uint64  // that the server sent by itself, and came
	Offered        float64 // of the last phase, per second
	Client, Server results.Usage
}

// Total adds up the phases of a part; ok is false if there is none.
func (r *Run) Total(p Part) (t Total, ok bool) {
	t.Client.Known, t.Server.Known = true, true
	for _, phase := range r.Phases(p) {
		ok = true
		t.Length += phase.Length
		t.Offered = phase.Offered
		t.Ops.Scheduled += phase.Ops.Scheduled
		t.Ops.Completed += phase.Ops.Completed
		t.Ops.Failed += phase.Ops.Failed
		t.Ops.Dropped += phase.Ops.Dropped
		t.Dials.Scheduled += phase.Dials.Scheduled
		t.Dials.Upgraded += phase.Dials.Upgraded
		t.Dials.Failed += phase.Dials.Failed
		t.Dials.Dropped += phase.Dials.Dropped
		t.Dials.Retried += phase.Dials.Retried
		t.Dials.Lost += phase.Dials.Lost
		for cause, n := range phase.Dials.Causes {
			if t.Dials.Causes == nil {
				t.Dials.Causes = map[results.Cause]uint64{}
			}
			t.Dials.Causes[cause] += n
		}
		t.Pings += phase.Pings
		t.Probes.Scheduled += phase.Probes.Scheduled
		t.Probes.Completed += phase.Probes.Completed
		t.Probes.Failed += phase.Probes.Failed
		t.Probes.Dropped += phase.Probes.Dropped
		addUsage(&t.Client, phase.Client)
		addUsage(&t.Server, phase.Server)
	}
	return t, ok
}

// OfBare is the rate of upgrades in the ramp as a ratio to bare connect and accept
// in the same run; ok is false if the run did not measure that.
func (r *Run) OfBare() (ratio float64, ok bool) {
	ramp, ramped := r.Total(RampPart)
	if y := r.Yardstick; ramped && ramp.Length > 0 && y != nil && y.Connects > 0 {
		return float64(ramp.Dials.Upgraded) / ramp.Length.Seconds() / y.Connects, true
	}
	return 0, false
}

func addUsage(sum *results.Usage, u results.Usage) {
	sum.Known = sum.Known && u.Known
	sum.User += u.User
	sum.System += u.System
	sum.PeakRSS = max(sum.PeakRSS, u.PeakRSS)
}

// Merged returns a metric of a part merged over the counted runs of the arm, or
// nil if none has it.
func (a *Arm) Merged(p Part, metric string) *results.Histogram {
	var all *results.Histogram
	for _, r := range a.Counted() {
		if h := r.Histogram(p, metric); h != nil {
			if all == nil {
				all = results.NewHistogram()
			}
			all.Merge(h)
		}
	}
	return all
}

// A Second is one second of a window, of all counted runs together.
type Second struct {
	At        time.Duration // its middle, from the start of the window
	Histogram *results.Histogram
}

// Course returns how a metric went over the seconds of a window. An interval
// belongs to the second in which its middle lies.
func (a *Arm) Course(p Part, metric string) []Second {
	seconds := map[int]*results.Histogram{}
	for _, r := range a.Counted() {
		phases := r.Phases(p)
		if len(phases) == 0 {
			continue
		}
		for _, iv := range r.Intervals(p, metric) {
			i := int(max(iv.Start+iv.Length/2-phases[0].Start, 0) / time.Second)
			if seconds[i] == nil {
				seconds[i] = results.NewHistogram()
			}
			seconds[i].Merge(iv.Histogram)
		}
	}
	var course []Second
	for _, i := range slices.Sorted(maps.Keys(seconds)) {
		course = append(course, Second{At: time.Duration(i)*time.Second + time.Second/2, Histogram: seconds[i]})
	}
	return course
}
