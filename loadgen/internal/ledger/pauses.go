package ledger

import (
	"math"
	"runtime/metrics"
	"time"

	"golang.org/x/sys/unix"

	"signalbench/loadgen/internal/adminapi"
)

// ownStats tells of this process what an admin listener tells of a server, as
// far as its pauses go.
func ownStats(now time.Time) *adminapi.Stats {
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/gc/gogc:percent"},
		{Name: "/gc/gomemlimit:bytes"},
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/sched/pauses/total/gc:seconds"},
		{Name: "/sched/pauses/total/other:seconds"},
	}
	metrics.Read(samples)
	g := &adminapi.Go{
		GCCycles: samples[0].Value.Uint64(), GOGC: int64(samples[1].Value.Uint64()), // MaxUint64, for off, turns into -1
		MemoryLimit: int64(samples[2].Value.Uint64()), GCCPU: seconds(samples[3].Value.Float64()),
		Pauses: histogram(samples[4].Value.Float64Histogram()),
	}
	if g.MemoryLimit == math.MaxInt64 {
		g.MemoryLimit = -1
	}
	other := histogram(samples[5].Value.Float64Histogram())
	g.OtherPauses = &other
	s := &adminapi.Stats{Uptime: float64(now.UnixNano()) / 1e9, Go: g}
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) == nil {
		s.Process = &adminapi.Process{User: time.Duration(usage.Utime.Nano()), System: time.Duration(usage.Stime.Nano())}
	}
	return s
}

func histogram(h *metrics.Float64Histogram) adminapi.GCPauses {
	p := adminapi.GCPauses{Counts: h.Counts}
	for _, bound := range h.Buckets {
		p.Buckets = append(p.Buckets, seconds(bound))
	}
	return p
}

// seconds is a time that may be infinite; before 0 there is none.
func seconds(s float64) time.Duration {
	switch {
	case s < 0:
		return 0
	case s >= math.MaxInt64/1e9:
		return math.MaxInt64
	}
	return time.Duration(s * 1e9)
}
