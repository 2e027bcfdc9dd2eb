package progress

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbench/loadgen/internal/trial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLines(t *testing.T) {
	var b strings.Builder
	d := New(&b)
	d.Tick(trial.Snapshot{Elapsed: 30900 * time.Millisecond, Phase: "ramp", Pending: 530, Connected: 221207, Upgraded: 4999.7, Metric: "dial", P50: 123456, P99: 2 * time.Millisecond})
	d.Tick(trial.Snapshot{Elapsed: 32 * time.Second, Phase: "echo/window", Connected: 3, Failed: 2, Sent: 20000, Received: 19999.9})
	d.Tick(trial.Snapshot{Elapsed: 33 * time.Second, Phase: "hold/window", Connected: 3, Failed: 2})
	d.Tick(trial.Snapshot{Elapsed: 34 * time.Second, Phase: "hold/window", Connected: 3, Sent: 1, Received: 1, Asked: 40, Answered: 39, Metric: "response", P50: time.Millisecond, P99: time.Second})
	d.Tick(trial.Snapshot{Elapsed: 35 * time.Second, Phase: "ramp", Pending: 8, Connected: 3, Remark: "no connection came for 3s"})
	d.Close()
	const want = `client elapsed=31s pending=530 connected=221207 failed=0 phase=ramp upgraded=5000/s dial p50=123µs p99=2ms
client elapsed=32s pending=0 connected=3 failed=2 phase=echo/window sent=20000/s received=20000/s
client elapsed=33s pending=0 connected=3 failed=2 phase=hold/window
client elapsed=34s pending=0 connected=3 failed=0 phase=hold/window sent=1/s received=1/s asked=40 answered=39 response p50=1ms p99=1s
client elapsed=35s pending=8 connected=3 failed=0 phase=ramp
client no connection came for 3s
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// A file is no terminal.
func TestFileGetsLines(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if d, ok := New(f).(lines); !ok {
		t.Errorf("a file gets a %T", d)
	}
}

// The bar ends when it is closed, told of anything or not.
func TestBarEnds(t *testing.T) {
	for n := range 3 {
		var b strings.Builder
		bar := newBar(&b)
		for i := range n {
			bar.Tick(trial.Snapshot{Elapsed: time.Duration(i) * time.Second, Conns: 10, Connected: 10 * i, Phase: "ramp", Remark: "it stands still"})
		}
		bar.Close()
		if told := strings.Count(b.String(), "it stands still\n"); told != n {
			t.Errorf("after %d remarks the bar told %d: %q", n, told, b.String())
		}
		if n > 0 && !strings.Contains(b.String(), "connected=") {
			t.Errorf("after %d ticks the bar wrote %q", n, b.String())
		}
	}
}
