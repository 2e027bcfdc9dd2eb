package admin

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/VictoriaMetrics/metrics"
)

// writePrometheus writes s in the Prometheus text format. (The library's own
// metrics of the process are left alone: they walk /proc/self/fd.)
func writePrometheus(w io.Writer, s *Stats) {
	c, g, p := &s.Connections, &s.Go, &s.Process
	rooms, channels, gate, hongbao := &s.Service.Rooms, &s.Service.Channels, &s.Service.Gate, &s.Service.Hongbao
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
		{"signalbench_room_relayed_total", rooms.Relayed},
		{"signalbench_room_broadcasts_total", rooms.Broadcasts},
		{"signalbench_room_deliveries_total", rooms.Deliveries},
		{"signalbench_room_slow_total", rooms.Slow},
		{"signalbench_room_unread_total", rooms.Unread},
		{"signalbench_channel_published_total", channels.Published},
		{"signalbench_channel_deliveries_total", channels.Delivered},
		{"signalbench_channel_pings_total", channels.Pings},
		{"signalbench_channel_ignored_total", channels.Ignored},
		{`signalbench_gate_refused_total{why="token"}`, gate.Tokens},
		{`signalbench_gate_refused_total{why="connections"}`, gate.Conns},
		{`signalbench_gate_refused_total{why="upgrade_rate"}`, gate.Upgrades},
		{`signalbench_gate_refused_total{why="message_rate"}`, gate.Messages},
		{`signalbench_hongbao_shakes_total{result="none"}`, hongbao.None},
		{`signalbench_hongbao_shakes_total{result="got"}`, hongbao.Shaken.Count},
		{`signalbench_hongbao_shakes_total{result="overload"}`, hongbao.Overload},
		{"signalbench_hongbao_gifts_total", hongbao.Gifts},
		{`signalbench_hongbao_cents_total{where="entered"}`, hongbao.Entered.Cents},
		{`signalbench_hongbao_cents_total{where="shaken"}`, hongbao.Shaken.Cents},
		{`signalbench_hongbao_cents_total{where="grabbed"}`, hongbao.Grabbed.Cents},
		{`signalbench_hongbao_cents_total{where="returned"}`, hongbao.Returned.Cents},
		{"go_gc_cycles_total", g.GCCycles},
		{"go_gc_pauses_total", g.GCPauses.Count},
	} {
		metrics.WriteCounterUint64(w, m.name, m.value)
	}
	for _, reason := range slices.Sorted(maps.Keys(rooms.Refused)) {
		metrics.WriteCounterUint64(w, fmt.Sprintf("signalbench_room_refused_total{reason=%q}", reason), rooms.Refused[reason])
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
		{"signalbench_rooms", float64(rooms.Rooms)},
		{"signalbench_room_members", float64(rooms.Members)},
		{"signalbench_channels", float64(channels.Channels)},
		{"signalbench_channel_subscribers", float64(channels.Subscribers)},
		{"signalbench_gate_addresses", float64(gate.Addresses)},
		{"signalbench_hongbao_users", float64(hongbao.Users)},
		{"signalbench_hongbao_waiting_cents", float64(hongbao.Waiting.Cents)},
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
