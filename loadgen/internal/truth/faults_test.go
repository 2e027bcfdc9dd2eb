package truth

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"signalbench/results"
)

// TestFaultsAreCounted: each spoiled echo is counted, no other, and the run is
// INVALID.
func TestFaultsAreCounted(t *testing.T) {
	for _, c := range []struct {
		fault string
		every int // one of so many is spoiled, two a second
		args  []string
		want  func(spoiled uint64) results.Ops // the faults among them
	}{
		{"drop", 1000, nil, func(n uint64) results.Ops { return results.Ops{Missing: n, Failed: n} }},
		{"double", 1000, nil, func(n uint64) results.Ops { return results.Ops{Duplicate: n} }},
		{"reorder", 1000, nil, func(n uint64) results.Ops { return results.Ops{Reordered: n} }},
		{"corrupt", 1000, nil, func(n uint64) results.Ops { return results.Ops{Corrupt: n, Failed: n} }},
		{"behead", 1000, nil, func(n uint64) results.Ops { return results.Ops{Corrupt: n, Failed: n} }},
		{"corrupt", 1000, []string{"--payload=32B"}, func(n uint64) results.Ops { return results.Ops{Corrupt: n, Failed: n} }},
		{"corrupt", 200, []string{"--payload=100000B", "--binary"}, func(n uint64) results.Ops { return results.Ops{Corrupt: n, Failed: n} }},
	} {
		name := c.fault
		for _, a := range c.args {
			name += " " + a
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, "--spoil", c.fault, fmt.Sprintf("--every=%d", c.every))
			run := generate(t, server.url, append([]string{"--conns=20", "--ramp=max", "--workload=echo", fmt.Sprintf("--rate=%d/s", 2*c.every),
				"--warmup=1s", "--duration=2s", "--drain=2s"}, c.args...)...).finish(t, 30*time.Second, exitInvalid)
			truth := server.stop(t)
			if truth.Spoiled < 4 {
				t.Fatalf("only %d of %d echoes were spoiled", truth.Spoiled, truth.Messages)
			}
			sum := together(run)
			got := results.Ops{Missing: sum.Missing, Duplicate: sum.Duplicate, Reordered: sum.Reordered, Corrupt: sum.Corrupt, Failed: sum.Failed}
			want := c.want(truth.Spoiled)
			if got.Missing != want.Missing || got.Duplicate != want.Duplicate || got.Reordered != want.Reordered || got.Corrupt != want.Corrupt || got.Failed != want.Failed {
				t.Errorf("%d echoes spoiled; counted %d missing, %d duplicate, %d reordered, %d corrupt, %d failed; want %d, %d, %d, %d, %d",
					truth.Spoiled, got.Missing, got.Duplicate, got.Reordered, got.Corrupt, got.Failed,
					want.Missing, want.Duplicate, want.Reordered, want.Corrupt, want.Failed)
			}
			if sum.Scheduled != sum.Completed+sum.Failed+sum.Dropped {
				t.Errorf("%d scheduled, %d completed, %d failed, %d dropped", sum.Scheduled, sum.Completed, sum.Failed, sum.Dropped)
			}
			if !hasFinding(run, results.CheckDelivery) {
				t.Errorf("no finding about delivery among %+v", run.Findings)
			}
		})
	}
}

// TestConnectionsThatEnd: a server that ends connections is INVALID too, with
// the cause that was seen.
func TestConnectionsThatEnd(t *testing.T) {
	for fault, causes := range map[string][]results.Cause{
		"close": {results.CauseClosed, results.CauseReset},
		"reset": {results.CauseReset},
		"mask":  {results.CauseProtocol},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			server := serve(t, "--spoil", fault, "--every=500")
			run := generate(t, server.url, "--conns=20", "--ramp=max", "--workload=echo", "--rate=1000/s",
				"--warmup=0s", "--duration=2s", "--drain=1s").finish(t, 30*time.Second, exitInvalid)
			truth := server.stop(t)
			if truth.Spoiled == 0 {
				t.Fatalf("none of %d echoes was spoiled", truth.Messages)
			}
			var lost uint64
			seen := map[results.Cause]uint64{}
			for _, p := range run.Phases {
				if p.Kind == results.Teardown {
					continue
				}
				lost += p.Dials.Lost
				for c, n := range p.Dials.Causes {
					seen[c] += n
				}
			}
			var matching uint64
			for _, c := range causes {
				matching += seen[c]
			}
			if lost != truth.Spoiled || matching != lost {
				t.Errorf("%d connections spoiled, %d lost by causes %v; want all of them, by %v", truth.Spoiled, lost, seen, causes)
			}
		})
	}
}

// TestNoEcho: a server that never answers a message leaves nothing to measure.
func TestNoEcho(t *testing.T) {
	t.Parallel()
	server := serve(t, "--spoil=drop", "--every=1")
	run := generate(t, server.url, "--conns=10", "--ramp=max", "--workload=echo", "--rate=200/s", "--first-echo=false",
		"--warmup=0s", "--duration=1s", "--drain=500ms").finish(t, 20*time.Second, exitInvalid)
	window := phase(t, run, results.Window, "echo")
	if window.Ops.Completed != 0 || window.Ops.Missing != window.Ops.Scheduled || window.Ops.Scheduled < 190 {
		t.Errorf("window counts %+v, want every operation missing", window.Ops)
	}
}

// TestHandshakeAnswers: a server that stops speaking WebSocket as it should is
// named by cause, and the run does not hang on it.
func TestHandshakeAnswers(t *testing.T) {
	for answer, causes := range map[string][]results.Cause{
		"wrong-accept": {results.CauseAccept},
		"status-200":   {results.CauseStatus},
		"garbage":      {results.CauseHandshake},
		"close":        {results.CauseClosed, results.CauseReset},
		"silence":      {results.CauseTimeout},
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			// Some of the first are of the look before the run.
			server := serve(t, "--right-first=6", "--answer", answer)
			run := generate(t, server.url, "--conns=15", "--ramp=max", "--workload=echo", "--rate=100/s", "--dial-timeout=500ms",
				"--warmup=0s", "--duration=500ms", "--drain=500ms").finish(t, 20*time.Second, exitInvalid)
			d := phase(t, run, results.Ramp, "").Dials
			var matching uint64
			for _, c := range causes {
				matching += d.Causes[c]
			}
			if d.Upgraded == 0 || d.Upgraded > 5 || d.Upgraded+d.Failed != 15 || matching != d.Failed {
				t.Errorf("dials %+v, want at most 5 upgraded and the rest failed by %v", d, causes)
			}
		})
	}
}

// TestRefusedBeforeTheRun: a server that never spoke WebSocket is refused in
// one sentence, and leaves no folder behind.
func TestRefusedBeforeTheRun(t *testing.T) {
	for answer, says := range map[string]string{
		"wrong-accept": "Sec-WebSocket-Accept",
		"status-200":   "status 200",
		"garbage":      "no WebSocket server",
		"close":        "closed the connection",
		"silence":      "within 500ms",
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			server := serve(t, "--answer", answer)
			g := generate(t, server.url, "--conns=10", "--dial-timeout=500ms")
			if code := g.code(t, 10*time.Second); code != exitError {
				t.Errorf("exit code %d, want %d", code, exitError)
			}
			if told := g.stderr.String(); !strings.Contains(told, says) || strings.Count(told, "\n") != 1 {
				t.Errorf("says %q, want one line about %q", told, says)
			}
			if _, err := os.Stat(g.dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the folder of a run that never was: %v", err)
			}
		})
	}
}
