package admin

import (
	"math"
	"runtime"
	"runtime/metrics"
	"time"
)

// Go is the runtime's view of itself (package runtime/metrics).
type Go struct {
	Version     string `json:"version"`
	GOMAXPROCS  int    `json:"gomaxprocs"`
	GOGC        int64  `json:"gogc"`               // percent, -1 when collection is off
	MemoryLimit int64  `json:"memory_limit_bytes"` // -1 for none
	Goroutines  uint64 `json:"goroutines"`
	Heap        uint64 `json:"heap_bytes"`      // objects, live or not yet swept
	HeapLive    uint64 `json:"heap_live_bytes"` // objects that the last collection found live
	Stacks      uint64 `json:"stacks_bytes"`    // of goroutines and of threads
	Runtime     uint64 `json:"runtime_bytes"`   // mapped and not returned to the system, all of the above included
	GCCycles    uint64 `json:"gc_cycles"`
	GCPauses    Pauses `json:"gc_pauses"`
	OtherPauses Pauses `json:"other_pauses"` // for other causes than the collector's
	// GCCPU is the runtime's estimate of what collecting took of the processors,
	// as of the end of the last cycle (/cpu/classes/gc/total:cpu-seconds). It
	// counts time off the processor as well, so on a busy machine it is too high.
	GCCPU time.Duration `json:"gc_cpu_ns"`
}

// Pauses are stop-the-world pauses since the start, from the request to stop to
// the start of the world (/sched/pauses/total/gc:seconds and other:seconds). A
// quantile is the upper bound of the runtime's bucket that it falls in.
type Pauses struct {
	Count uint64        `json:"count"`
	P50   time.Duration `json:"p50_ns"`
	P99   time.Duration `json:"p99_ns"`
	Max   time.Duration `json:"max_ns"`
	// Counts[i] pauses took from Buckets[i] to below Buckets[i+1]. Empty buckets
	// at both ends are left out.
	Buckets []time.Duration `json:"buckets_ns"`
	Counts  []uint64        `json:"counts"`
}

func readGo() Go {
	g := Go{Version: runtime.Version(), GOMAXPROCS: runtime.GOMAXPROCS(0)}
	var gogc, limit, threads, released uint64
	read := []struct {
		name string
		into *uint64
	}{
		{"/gc/gogc:percent", &gogc},
		{"/gc/gomemlimit:bytes", &limit},
		{"/sched/goroutines:goroutines", &g.Goroutines},
		{"/memory/classes/heap/objects:bytes", &g.Heap},
		{"/gc/heap/live:bytes", &g.HeapLive},
		{"/memory/classes/heap/stacks:bytes", &g.Stacks},
		{"/memory/classes/os-stacks:bytes", &threads},
		{"/memory/classes/total:bytes", &g.Runtime},
		{"/memory/classes/heap/released:bytes", &released},
		{"/gc/cycles/total:gc-cycles", &g.GCCycles},
	}
	samples := make([]metrics.Sample, len(read), len(read)+3)
	for i := range read {
		samples[i].Name = read[i].name
	}
	samples = append(samples,
		metrics.Sample{Name: "/sched/pauses/total/gc:seconds"},
		metrics.Sample{Name: "/sched/pauses/total/other:seconds"},
		metrics.Sample{Name: "/cpu/classes/gc/total:cpu-seconds"},
	)
	metrics.Read(samples)
	for i := range read {
		if samples[i].Value.Kind() == metrics.KindUint64 {
			*read[i].into = samples[i].Value.Uint64()
		}
	}
	for i, into := range []*Pauses{&g.GCPauses, &g.OtherPauses} {
		if v := samples[len(read)+i].Value; v.Kind() == metrics.KindFloat64Histogram {
			*into = summarize(v.Float64Histogram())
		}
	}
	if v := samples[len(read)+2].Value; v.Kind() == metrics.KindFloat64 {
		g.GCCPU = time.Duration(v.Float64() * float64(time.Second))
	}
	g.Stacks += threads
	g.Runtime -= released
	g.GOGC, g.MemoryLimit = int64(gogc), int64(limit)
	if gogc == math.MaxUint64 { // the metric's value for off
		g.GOGC = -1
	}
	if limit == math.MaxInt64 {
		g.MemoryLimit = -1
	}
	return g
}

// summarize cuts a histogram of seconds down to its part with counts.
func summarize(h *metrics.Float64Histogram) Pauses {
	from, to := 0, len(h.Counts)
	for from < to && h.Counts[from] == 0 {
		from++
	}
	for to > from && h.Counts[to-1] == 0 {
		to--
	}
	p := Pauses{Buckets: []time.Duration{}, Counts: []uint64{}}
	if from == to {
		return p
	}
	p.Counts = append(p.Counts, h.Counts[from:to]...)
	for i := from; i <= to; i++ {
		bound := h.Buckets[i]
		if math.IsInf(bound, -1) {
			bound = 0
		} else if math.IsInf(bound, 1) {
			bound = h.Buckets[i-1] // the last bucket is open: this much at least
		}
		p.Buckets = append(p.Buckets, time.Duration(bound*float64(time.Second)))
	}
	for _, n := range p.Counts {
		p.Count += n
	}
	p.P50, p.P99, p.Max = p.quantile(0.50), p.quantile(0.99), p.Buckets[len(p.Buckets)-1]
	return p
}

// quantile returns the upper bound of the bucket that q falls in.
func (p *Pauses) quantile(q float64) time.Duration {
	rank := uint64(math.Ceil(q * float64(p.Count)))
	for i, n := range p.Counts {
		if n >= rank {
			return p.Buckets[i+1]
		}
		rank -= n
	}
	return p.Buckets[len(p.Buckets)-1]
}
