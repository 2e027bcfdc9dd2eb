package report

import (
	"image/color"
	"slices"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/figure"
	"signalbench/compare/internal/stat"
	"signalbench/results"
)

// Figures draws every figure that the suite has values for, in the order of a
// report.
func Figures(s *digest.Suite) ([]*figure.Figure, error) {
	var list []*figure.Figure
	for _, draw := range []func() (*figure.Figure, error){
		func() (*figure.Figure, error) { return sweep(s) },
		func() (*figure.Figure, error) { return memory(s) },
		func() (*figure.Figure, error) {
			return spectrum(s, "response", "Echo response time, open loop",
				"From due to received, all repetitions together. Each further nine takes the same room.", digest.EchoPart, results.MetricResponse)
		},
		func() (*figure.Figure, error) {
			return spectrum(s, "upgrade", "Upgrade time",
				"From the request sent to the 101 response verified, while connections are ramped up.", digest.RampPart, results.MetricUpgrade)
		},
		func() (*figure.Figure, error) { return course(s) },
		func() (*figure.Figure, error) {
			return spectrum(s, "heartbeat", "Heartbeats answered",
				"From due to answered by the same payload, every connection once in each interval.", digest.HoldPart, results.MetricResponse)
		},
		func() (*figure.Figure, error) {
			return spectrum(s, "closed", "Echo service time, closed loop",
				"From sent to received, with a fixed number of messages in flight: N / throughput once the server is saturated.", digest.ClosedPart, results.MetricService)
		},
	} {
		f, err := draw()
		if err != nil {
			return nil, err
		}
		if f != nil {
			list = append(list, f)
		}
	}
	rooms, err := signaling(s)
	if err != nil {
		return nil, err
	}
	over, err := timelines(s)
	return slices.Concat(list, rooms, over), err
}

func spectrum(s *digest.Suite, id, title, caption string, p digest.Part, metric string) (*figure.Figure, error) {
	var lines []figure.Line
	for _, a := range s.Arms {
		lines = append(lines, figure.Line{Name: a.Name, Histogram: a.Merged(p, metric)})
	}
	return figure.Spectrum(id, title, caption, lines)
}

func course(s *digest.Suite) (*figure.Figure, error) {
	var tracks []figure.Track
	for _, a := range s.Arms {
		t := figure.Track{Name: a.Name}
		for _, second := range a.Course(digest.EchoPart, results.MetricResponse) {
			t.Moments = append(t.Moments, figure.Moment{At: second.At, P50: second.Histogram.Quantile(0.5), P99: second.Histogram.Quantile(0.99)})
		}
		tracks = append(tracks, t)
	}
	return figure.Course("course", "Echo response time over the window",
		"p99 (solid) and p50 (dashed) of each second, that second of all repetitions together.", tracks)
}

// memory stacks the server's share of one connection: its process, and its
// half of the kernel's objects.
func memory(s *digest.Suite) (*figure.Figure, error) {
	segments := []figure.Segment{
		{Name: "Go heap", Colour: figure.Colour(0)},
		{Name: "Go stacks", Colour: figure.Colour(5)},
		{Name: "rest of RSS", Colour: figure.Colour(2)},
	}
	for i, name := range append(slices.Clone(kernelParts), "other") {
		g := uint8(0x58 + 0x18*i)
		segments = append(segments, figure.Segment{Name: "kernel " + name, Colour: color.RGBA{g, g, g, 0xff}})
	}
	var bars []figure.Bar
	for _, a := range s.Arms {
		slope := func(item string) float64 {
			q := digest.Slope(item, item, digest.BytesPerConn)
			if sum := a.Summary(q); sum.N > 0 {
				return max(sum.Median, 0)
			}
			return 0
		}
		rss, heap, stacks := slope(results.ItemServerRSS), slope("server.heap"), slope("server.stacks")
		if rss == 0 {
			continue
		}
		// Heap and stacks are what the runtime holds for them; a part may not
		// be resident.
		heap = min(heap, rss)
		stacks = min(stacks, rss-heap)
		values := []float64{heap, stacks, rss - heap - stacks}
		bars = append(bars, figure.Bar{Name: a.Name, Values: append(values, kernelHalf(a)...)})
	}
	return figure.Bars("memory", "Server memory per idle connection",
		"The server process and its half of the kernel's objects, settled, from the slope over the plateaus.", "bytes per connection", segments, bars)
}

// kernelParts are the objects behind a socket that are drawn apart.
var kernelParts = []string{"TCP", "sock_inode_cache", "filp", "dentry", "eventpoll_epi"}

// kernelHalf is the server's share of each of kernelParts, and of all others
// together.
func kernelHalf(a *digest.Arm) []float64 {
	values := make([][]float64, len(kernelParts)+1)
	for _, r := range a.Counted() {
		sums := make([]float64, len(values))
		for _, o := range r.Kernel() {
			i := slices.Index(kernelParts, o.Name)
			switch {
			case !o.Socket:
				continue
			case i < 0:
				i = len(kernelParts)
			}
			sums[i] += o.Total.PerConn * r.ServerShare()
		}
		for i, v := range sums {
			values[i] = append(values[i], v)
		}
	}
	medians := make([]float64, len(values))
	for i, v := range values {
		if len(v) > 0 {
			medians[i] = max(stat.Summarize(v).Median, 0)
		}
	}
	return medians
}
