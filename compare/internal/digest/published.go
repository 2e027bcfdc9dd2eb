package digest

import (
	"strings"

	"signalbench/results"
)

// QuantityNamed finds a quantity by its name: any of [Quantities], also of a storm
// that no suite at hand had, and those that only stand beside published figures.
func QuantityNamed(name string) (Quantity, bool) {
	for _, q := range append(Quantities(), publishedQuantities()...) {
		if q.Name == name {
			return q, true
		}
	}
	if bench, ok := strings.CutPrefix(name, "bench."); ok {
		return benchQuantity(bench)
	}
	return stormQuantity(name)
}

// publishedQuantities are what others publish about many connections and a
// comparison of engines does not show.
func publishedQuantities() []Quantity {
	list := []Quantity{
		readingQuantity("server.rss", "server RSS", results.ItemServerRSS, func(_, last *results.Reading) (float64, bool) {
			return float64(last.Server.RSS), last.Server.RSS > 0
		}),
		readingQuantity("machine.used", "free memory that the machine lost", results.ItemMachine, func(base, last *results.Reading) (float64, bool) {
			return float64(base.Kernel.MemFree - last.Kernel.MemFree), base.Kernel.MemFree > 0 && last.Kernel.MemFree > 0
		}),
		{Name: "server.end", Head: "memory of the server's end", Unit: BytesPerConn, of: func(r *Run) (float64, bool) {
			c, ok := r.Cost()
			return c.Server.Mid + c.KernelServer.Mid, ok
		}},
		{Name: "server.cores", Head: "server, processors busy", Unit: Cores, of: firstWindowCores},
		heartbeats(),
		gcInterval(),
		gcQuantity("gc.pause.max", "longest GC pause", func(gc *results.GCPauses) (float64, bool) { return float64(gc.Max), gc.Count > 0 }),
		gcQuantity("gc.stw.p99", "stop-the-world p99", func(gc *results.GCPauses) (float64, bool) { p, ok := stopped(gc); return float64(p.P99), ok }),
		gcQuantity("gc.stw.max", "longest stop of the world", func(gc *results.GCPauses) (float64, bool) { p, ok := stopped(gc); return float64(p.Max), ok }),
	}
	for _, q := range list[:2] {
		list = append(list, perConn(q))
	}
	for _, p := range []Part{HoldPart, EchoPart, ClosedPart, PushPart, HongbaoPart, BroadcastPart, BroadcastClosedPart, SignalPart, ChurnPart} {
		for _, m := range []string{results.MetricResponse, results.MetricService, results.MetricProbe, results.MetricDelivery} {
			for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 0.9999, 1} {
				list = append(list, Quantile(p, m, q))
			}
			list = append(list, Mean(p, m))
		}
		list = append(list, Throughput(p), ServerCPU(p), ServerCores(p), PeakRSS(p))
	}
	return list
}

// Mean is the mean of a metric in a part.
func Mean(p Part, metric string) Quantity {
	return Quantity{
		Name: partKey(p) + "." + metric + ".mean", Head: partHead(p) + metric + " mean", Unit: Nanoseconds,
		of: func(r *Run) (float64, bool) {
			h := r.Histogram(p, metric)
			if h == nil || h.Count() == 0 {
				return 0, false
			}
			return float64(h.Mean()), true
		},
	}
}

// ServerCores is how many processors the server kept busy in a part.
func ServerCores(p Part) Quantity {
	return phaseQuantity(p, "cores.server", "server, processors busy", Cores, false, busy)
}

func busy(phase *results.Phase) (float64, bool) {
	return float64(phase.Server.User+phase.Server.System) / float64(phase.Length), phase.Server.Known && phase.Length > 0
}

// firstWindowCores is how many processors the server kept busy in the first
// window, whatever its workload.
func firstWindowCores(r *Run) (float64, bool) {
	for i := range r.Run.Phases {
		if phase := &r.Run.Phases[i]; phase.Kind == results.Window {
			return busy(phase)
		}
	}
	return 0, false
}

// readingQuantity is a figure of the whole, not of one connection, settled at the
// last plateau; base is the reading before the first connection.
func readingQuantity(name, head, item string, of func(base, last *results.Reading) (float64, bool)) Quantity {
	return Quantity{Name: name, Head: head, Unit: Bytes, item: item, of: func(r *Run) (float64, bool) {
		base, last, ok := r.ends()
		if !ok {
			return 0, false
		}
		return of(base, last)
	}}
}

// perConn divides a figure of the whole by the connections that were open, as
// others do it: what the program takes without any is in it.
func perConn(q Quantity) Quantity {
	return Quantity{Name: q.Name + ".conn", Head: q.Head + ", divided by connections", Unit: BytesPerConn, of: func(r *Run) (float64, bool) {
		v, ok := q.of(r)
		_, last, known := r.ends()
		if !ok || !known || last.Conns == 0 {
			return 0, false
		}
		return v / float64(last.Conns), true
	}}
}

// AtConns is what a reading of memory would be with another number of connections, by
// the line through the plateaus, with the ends of its 95 % interval; ok is false for
// other quantities, and where no line rises. It is no measurement.
func (a *Arm) AtConns(q Quantity, conns int) (value Interval, ok bool) {
	if q.item == "" {
		return Interval{}, false
	}
	var list []Interval
	for _, r := range a.Counted() {
		s, known := r.Slope(q.item)
		each, _ := r.interval(q.item)
		if !known || each.Mid <= 0 {
			continue
		}
		fixed := s.Fixed
		if q.item == results.ItemMachine {
			fixed = 0 // what other programs have of the machine
		}
		list = append(list, each.times(float64(conns)).plus(exactly(fixed)))
	}
	return combine(list), len(list) > 0
}

// heartbeats are those of the load generator that were answered, or, where the server of
// channels shows by itself that it lives, the messages of its own that came.
func heartbeats() Quantity {
	q := Throughput(HoldPart)
	q.Name, q.Head = "hold.heartbeats", "heartbeats"
	answered := q.of
	q.of = func(r *Run) (float64, bool) {
		if !r.pinged() {
			return answered(r)
		}
		t, ok := r.Total(HoldPart)
		if !ok || t.Length <= 0 || r.Run.Pings.Received == 0 {
			return 0, false // none was due
		}
		return float64(t.Pings) / t.Length.Seconds(), true
	}
	q.aside = func(r *Run) string {
		if !r.pinged() {
			return ""
		}
		return "by the server's timers"
	}
	return q
}

// pinged reports whether heartbeats are the server's own and not the load generator's.
func (r *Run) pinged() bool { return r.Run.Pings != nil && r.Spec.Heartbeat == 0 }

// gcInterval is the mean time between two collections, or all of the time with one.
func gcInterval() Quantity {
	q := gcQuantity("gc.interval", "time between GC cycles", func(gc *results.GCPauses) (float64, bool) { return float64(gc.Interval()), gc.Interval() > 0 })
	q.aside = func(r *Run) string {
		if gc := r.gc(); gc != nil && gc.Cycles == 1 {
			return "one collection in all"
		}
		return ""
	}
	return q
}

func gcQuantity(name, head string, of func(*results.GCPauses) (float64, bool)) Quantity {
	return Quantity{Name: name, Head: head, Unit: Nanoseconds, of: func(r *Run) (float64, bool) {
		gc := r.gc()
		if gc == nil {
			return 0, false
		}
		return of(gc)
	}}
}

// gc is what the server's Go runtime did in all measurement windows, of earlier builds
// in the whole run; nil if neither was told.
func (r *Run) gc() *results.GCPauses {
	if gc := r.windowGC(); gc != nil {
		return gc
	}
	return r.Target.GC
}

// windowGC is what the server's Go runtime did in all measurement windows together:
// the settled readings of memory between them force collections that are of no load.
// It is nil if that was not told.
func (r *Run) windowGC() *results.GCPauses {
	var sum *results.GCPauses
	for i := range r.Run.Phases {
		g := r.Run.Phases[i].ServerGC
		switch {
		case g == nil:
			continue
		case sum == nil:
			copied := *g
			sum = &copied
			continue
		}
		sum.Length += g.Length
		sum.Cycles += g.Cycles
		merged, ok := results.MergePauses(sum.Pauses, g.Pauses)
		if !ok {
			return nil
		}
		sum.Pauses = merged
		if sum.Other == nil || g.Other == nil {
			sum.Other = nil
		} else if other, ok := results.MergePauses(*sum.Other, *g.Other); ok {
			sum.Other = &other
		} else {
			return nil
		}
	}
	return sum
}

// stopped is every stop of the world, for the collector or not.
func stopped(gc *results.GCPauses) (results.Pauses, bool) {
	if gc.Other == nil {
		return results.Pauses{}, false
	}
	p, ok := results.MergePauses(gc.Pauses, *gc.Other)
	return p, ok && p.Count > 0
}

// stormQuantity finds a quantity of a storm of any backoff, and beside adversaries
// or not.
func stormQuantity(name string) (Quantity, bool) {
	const any = "\x00"
	part := Part{Kind: results.Window, Workload: results.WorkloadStorm, Backoff: any}
	rest, ok := strings.CutPrefix(name, results.WorkloadStorm+".")
	if !ok {
		return Quantity{}, false
	}
	for i, q := range stormQuantities(part) {
		_, suffix, _ := strings.Cut(q.Name, any)
		if backoff, ok := strings.CutSuffix(rest, suffix); ok && backoff != "" {
			part.Backoff, part.Beside = backoff, false
			if alone, ok := strings.CutSuffix(backoff, ".adversaries"); ok {
				part.Backoff, part.Beside = alone, true
			}
			return stormQuantities(part)[i], true
		}
	}
	return Quantity{}, false
}

// benchQuantity is what an operation that was timed by itself took: NAME.ns,
// NAME.bytes or NAME.allocs.
func benchQuantity(rest string) (Quantity, bool) {
	dot := strings.LastIndexByte(rest, '.')
	if dot <= 0 {
		return Quantity{}, false
	}
	name := rest[:dot]
	q := Quantity{Name: "bench." + rest}
	var of func(*results.Benchmark) float64
	switch rest[dot+1:] {
	case "ns":
		q.Head, q.Unit, of = name+", time", Nanoseconds, func(b *results.Benchmark) float64 { return b.Ns }
	case "bytes":
		q.Head, q.Unit, of = name+", allocated", Bytes, func(b *results.Benchmark) float64 { return b.Bytes }
	case "allocs":
		q.Head, q.Unit, of = name+", allocations", Count, func(b *results.Benchmark) float64 { return b.Allocs }
	default:
		return Quantity{}, false
	}
	q.of = func(*Run) (float64, bool) { return 0, false }
	q.ofSuite = func(s *Suite) (float64, bool) {
		for i := range s.Benchmarks {
			if s.Benchmarks[i].Name == name {
				return of(&s.Benchmarks[i]), true
			}
		}
		return 0, false
	}
	return q, true
}
