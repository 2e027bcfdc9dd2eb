package digest_test

import (
	"path/filepath"
	"testing"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/fixture"
)

// What stands beside published figures has the values that were written.
func TestPublishedQuantities(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "suite")
	fixture.Published(t, dir, fixture.Engine{Name: "x", RSS: 5000, Held: 1000, Lean: true})
	s, err := digest.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := s.Arms[0].Runs[0]
	for name, want := range map[string][2]float64{ // lowest and highest
		"server.rss":                  {9<<20 + 5e6, 9<<20 + 5e6 + 4096},
		"server.rss.conn":             {5000 + 9437, 5000 + 9442}, // what the program takes is in it
		"server.end":                  {5000 + 3775, 5000 + 3777},
		"machine.used":                {13e6, 13e6},
		"machine.used.conn":           {13e3, 13e3},
		"hold.heartbeats":             {333, 334},
		"hold.probe.p50":              {270e3, 3.3e6},
		"hold.response.mean":          {225e3, 400e3},
		"gc.interval":                 {140e6, 140e6},
		"gc.pause.max":                {120e3, 120e3},
		"gc.stw.p99":                  {80e3, 80e3},
		"gc.stw.max":                  {120e3, 120e3},
		"bench.upgrade.nethttp.ns":    {2500, 2500},
		"bench.upgrade.nethttp.bytes": {5000, 5000},
		"bench.upgrade.zerocopy.ns":   {400, 400},
	} {
		q, ok := digest.QuantityNamed(name)
		if !ok {
			t.Errorf("%s is not known", name)
			continue
		}
		got, ok := q.Of(r)
		if q.Whole() {
			got, ok = q.OfSuite(s)
		}
		if !ok || got < want[0] || got > want[1] {
			t.Errorf("%s = %v (%v), want within %v", name, got, ok, want)
		}
	}
	for name, known := range map[string]bool{
		"storm.none.all-back": true, "storm.100ms..10s.recovery.p99": true, "storm.none.adversaries.attempts": true,
		"push.response.p99": true, "push.throughput": true, "hongbao.throughput": true, "server.cores": true, "echo.response.mean": true,
		"": false, "storm.all-back": false, "storm.none.height": false, "bench.ns": false, "bench.upgrade.miles": false, "server.weight": false,
	} {
		if q, ok := digest.QuantityNamed(name); ok != known || ok && q.Name != name {
			t.Errorf("quantity %q is known: %v (as %q), want %v", name, ok, q.Name, known)
		}
	}
	// A line through the plateaus leaves out what the program takes without any.
	rss, _ := digest.QuantityNamed("server.rss")
	if v, ok := s.Arms[0].AtConns(rss, 4000); !ok || v.Mid < 29.3e6 || v.Mid > 29.6e6 {
		t.Errorf("4,000 connections are taken to need %v (%v), want 9 MiB and 20 MB", v, ok)
	}
}
