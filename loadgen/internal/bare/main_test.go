package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// build compiles the command into the test's folder.
func build(t testing.TB) string {
	bin := filepath.Join(t.TempDir(), "bare")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return bin
}

func measure(t testing.TB, bin string, args ...string) result {
	t.Helper()
	out, err := exec.Command(bin, args...).Output()
	if err != nil {
		t.Fatalf("bare %v: %v", args, err)
	}
	var r result
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("bare %v printed %q: %v", args, out, err)
	}
	return r
}

func TestBare(t *testing.T) {
	bin := build(t)
	for _, c := range []struct {
		name         string
		args         []string
		least        time.Duration // of the clocked time
		count, below uint64        // exact count if not 0
	}{
		{"one connection", []string{"echo", "--conns=1", "--payload=1", "--warm-up=10ms", "--window=100ms"}, 100 * time.Millisecond, 0, 200_000},
		{"many connections", []string{"echo", "--conns=300", "--warm-up=10ms", "--window=100ms"}, 100 * time.Millisecond, 0, 200_000},
		{"connect", []string{"connect", "--conns=1024"}, 0, 1024, 1025},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := measure(t, bin, c.args...)
			if r.Count == 0 || r.Count >= c.below || c.count != 0 && r.Count != c.count || r.Elapsed < c.least {
				t.Errorf("counted %d in %v", r.Count, r.Elapsed)
			}
			if want := float64(r.Count) / r.Elapsed.Seconds(); r.PerSecond != want {
				t.Errorf("%g per second, want %g", r.PerSecond, want)
			}
		})
	}
}

func TestBareRefuses(t *testing.T) {
	bin := build(t)
	for _, args := range [][]string{
		{"echo", "--conns=0"},
		{"echo", "--payload=65537"},
		{"echo", "--window=0s"},
		{"connect", "--conns=1000"},
	} {
		var stderr bytes.Buffer
		cmd := exec.Command(bin, args...)
		cmd.Stderr = &stderr
		if err := cmd.Run(); err == nil || stderr.Len() == 0 {
			t.Errorf("bare %v: error %v, stderr %q; want a refusal with a reason", args, err, stderr.String())
		}
	}
}

// BenchmarkAgainstC measures this command and its twin in C in turns: a ratio
// well under 1 would mean that the yardstick is a lenient one.
func BenchmarkAgainstC(b *testing.B) {
	inGo, inC := build(b), filepath.Join(b.TempDir(), "floor")
	if out, err := exec.Command("cc", "-O2", "-o", inC, "../../../scripts/peers/floor.c").CombinedOutput(); err != nil {
		b.Fatalf("compiling the twin: %v\n%s", err, out)
	}
	for _, c := range []struct {
		name  string
		goArg []string
		cArg  []string
	}{
		{"echo", []string{"echo", "--conns=5000", "--payload=128", "--warm-up=300ms", "--window=1s"}, []string{"echo", "5000", "128", "300", "1000"}},
		{"connect", []string{"connect", "--conns=10240"}, []string{"connect", "10240"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var g, x float64
			for b.Loop() {
				g += measure(b, inGo, c.goArg...).PerSecond
				out, err := exec.Command(inC, c.cArg...).Output()
				if err != nil {
					b.Fatal(err)
				}
				v, err := strconv.ParseFloat(string(bytes.TrimSpace(out)), 64)
				if err != nil {
					b.Fatal(err)
				}
				x += v
			}
			n := float64(b.N)
			b.ReportMetric(g/n, "go/s")
			b.ReportMetric(x/n, "c/s")
			b.ReportMetric(g/x, "go/c")
		})
	}
}
