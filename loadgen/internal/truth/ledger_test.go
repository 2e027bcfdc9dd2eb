package truth

import (
	"strconv"
	"testing"
	"time"

	"signalbench/results"
)

// TestLedger: a server that holds 10,000 B for each connection costs 10,000 B
// for each connection.
func TestLedger(t *testing.T) {
	const perConn = 10_000
	server := serve(t, "--per-conn", strconv.Itoa(perConn))
	run := generate(t, server.url, "--server-pid", strconv.Itoa(server.Process.Pid), "--conns=5000", "--plateaus=5", "--ramp=max",
		"--workload=hold", "--settle=200ms", "--warmup=0s", "--duration=200ms").finish(t, 60*time.Second, exitValid)
	if run.Ledger == nil {
		t.Fatal("the run has no ledger")
	}
	slope, ok := run.Ledger.Slope(results.ItemServerRSS, results.Settled)
	if !ok {
		t.Fatalf("no slope of %s among %+v", results.ItemServerRSS, run.Ledger.Slopes)
	}
	t.Logf("%.0f B per connection, %.0f to %.0f, from %d readings", slope.PerConn, slope.Low, slope.High, slope.Readings)
	if off := slope.PerConn - perConn; max(off, -off) > 0.03*perConn {
		t.Errorf("a connection costs %.0f B, truth is %d B within 3 %%", slope.PerConn, perConn)
	}
	if slope.Readings < 5 {
		t.Errorf("%d settled readings, want one for each of 5 plateaus", slope.Readings)
	}
	if client, ok := run.Ledger.Slope(results.ItemClientRSS, results.Settled); !ok || client.PerConn > perConn/10 {
		t.Errorf("the generator's own half is %+v: the server's memory was counted there", client)
	}
}
