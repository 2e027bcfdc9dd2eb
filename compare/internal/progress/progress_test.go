package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbench/compare/internal/orchestrate"
	"signalbench/results"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	_ orchestrate.Reporter = (*Lines)(nil)
	_ orchestrate.Reporter = (*Bar)(nil)
)

func TestLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Unix(0, 0)
	l := NewLines(&out)
	l.clk.now = func() time.Time { return now }
	l.Begin(3, 15*time.Second)
	for i, step := range []results.Step{
		{Arm: "gorilla", Repetition: 1, Verdict: results.Valid},
		{Arm: "gobwas", Repetition: 1, Verdict: results.Invalid, Error: "the server died"},
		{Arm: "gorilla", Repetition: 2, Verdict: results.Valid},
	} {
		l.Step(i+1, step.Arm, step.Repetition)
		l.Status("never shown")
		now = now.Add(10 * time.Second)
		l.Done(step)
	}
	l.Note("ports were taken")
	l.End()
	want := `compare: 3 steps, about 45s
step 1/3 gorilla, repetition 1: VALID after 10s, about 20s to go
step 2/3 gobwas, repetition 1: INVALID after 10s, about 10s to go
  the server died
step 3/3 gorilla, repetition 2: VALID after 10s
compare: ports were taken
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestClockWithinAStep(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	c := clock{now: func() time.Time { return now }}
	c.begin(2, 10*time.Second)
	c.step()
	for after, want := range map[time.Duration]time.Duration{0: 20 * time.Second, 4 * time.Second: 16 * time.Second, time.Minute: 10 * time.Second} {
		now = time.Unix(0, 0).Add(after)
		if got := c.left(); got != want {
			t.Errorf("after %v: %v left, want %v", after, got, want)
		}
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := NewBar(&out)
	b.Note("before")
	b.Begin(2, time.Second)
	b.Step(1, "gorilla", 1)
	b.Status("client elapsed=1s")
	b.Done(results.Step{Arm: "gorilla", Verdict: results.Invalid, Error: "the server died"})
	b.Step(2, "gobwas", 1)
	b.End() // interrupted: it must not wait for the second step
	for _, want := range []string{"before", "gorilla, repetition 1: INVALID", "the server died"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %q", want, out.String())
		}
	}
	NewBar(&out).End()
}
