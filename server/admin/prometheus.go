package admin

import (
	"io"

	"github.com/VictoriaMetrics/metrics"
)

// writePrometheus writes s in the Prometheus text format. (The library's own
// metrics of the process are left alone: they walk /proc/self/fd.)
func writePrometheus(w io.Writer, s *Stats) {
	c, g, p := &s.Connections, &s.Go, &s.Process
	for _, m := range []struct {
		name  string
		value uint64
	}{
		{"signalbench_connections_accepted_total", c.Accepted},
		{"signalbench_connections_upgraded_total", c.Upgraded},
		{"signalbench_connections_closed_total", c.Closed},
		{`signalbench_handshakes_ended_total{how="failed"}`, c.Failed},
		{`signalbench_handshakes_ended_total{how="refused"}`, c.Refused},
		{"signalbench_slow_consumers_evicted_total", c.Evicted},
		{"signalbench_messages_dropped_total", c.DroppedMessages},
		{"signalbench_connections_timed_out_total", c.TimedOut},
		{"signalbench_accept_errors_total", c.AcceptErrors},
		{"go_gc_cycles_total", g.GCCycles},
		{"go_gc_pauses_total", g.GCPauses.Count},
	} {
		metrics.WriteCounterUint64(w, m.name, m.value)
	}
	for _, m := range []struct {
		name  string
		value float64
	}{
		{`process_cpu_seconds_total{mode="user"}`, p.User.Seconds()},
		{`process_cpu_seconds_total{mode="system"}`, p.System.Seconds()},
	} {
		metrics.WriteCounterFloat64(w, m.name, m.value)
	}
	for _, m := range []struct {
		name  string
		value float64
	}{
		{"signalbench_connections_open", float64(c.Open)},
		{"go_goroutines", float64(g.Goroutines)},
		{"go_heap_objects_bytes", float64(g.Heap)},
		{"go_heap_live_bytes", float64(g.HeapLive)},
		{"go_stacks_bytes", float64(g.Stacks)},
		{"go_memory_mapped_bytes", float64(g.Runtime)},
		{`go_gc_pause_seconds{quantile="0.5"}`, g.GCPauses.P50.Seconds()},
		{`go_gc_pause_seconds{quantile="0.99"}`, g.GCPauses.P99.Seconds()},
		{`go_gc_pause_seconds{quantile="1"}`, g.GCPauses.Max.Seconds()},
		{"process_resident_memory_bytes", float64(p.RSS)},
		{"process_proportional_memory_bytes", float64(p.PSS)},
		{"process_open_fds", float64(p.Descriptors)},
		{"process_uptime_seconds", s.Uptime},
	} {
		metrics.WriteGaugeFloat64(w, m.name, m.value)
	}
}
