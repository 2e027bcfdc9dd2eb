package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"signalbench/compare/internal/digest"
	"signalbench/compare/internal/orchestrate"
	"signalbench/compare/internal/progress"
	"signalbench/compare/internal/report"
	"signalbench/compare/internal/toolchain"
	"signalbench/results"
)

// Our server of bytes, with the programs as they are: it is measured without the
// conformance kit, and the report says what it has not.
func TestTCPArms(t *testing.T) {
	if raceEnabled {
		t.Skip("the programs that it builds are not instrumented")
	}
	t.Parallel()
	bin, err := toolchain.Build(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	defer bin.Close()
	plan := orchestrate.Plan{
		Title: "Bytes", Out: t.TempDir() + "/out", Repetitions: 1, Seed: 1, NoClaim: "this is a test",
		Load: orchestrate.Load{
			Workloads: []string{results.WorkloadEchoClosed}, Conns: 100, Plateaus: 1, Ramp: "max", InFlight: 100, Payload: "8B",
			WarmUp: 50 * time.Millisecond, Window: 200 * time.Millisecond, Seed: 1,
		},
	}
	for _, kind := range []string{"epoll", "prefork"} { // one process, and several
		plan.Arms = append(plan.Arms, tcpArm(kind))
	}
	var said bytes.Buffer
	runner := &orchestrate.Runner{Server: bin.Server, Loadgen: bin.Loadgen, Reporter: progress.NewLines(&said)}
	suite, err := runner.Run(t.Context(), plan)
	if err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	if len(suite.Steps) != len(plan.Arms) {
		t.Errorf("%d steps", len(suite.Steps))
	}
	for _, s := range suite.Steps {
		if s.Error != "" || s.Dir == "" {
			t.Errorf("%s: %s", s.Arm, s.Error)
		}
	}
	d, err := digest.Open(plan.Out)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := report.Text(&text, d); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`tcp-epoll .* –( +│)? +–`, `tcp-prefork .* –( +│)? +–`} { // no upgrade at p50 and p99
		_, summary, _ := strings.Cut(text.String(), "\nSummary\n")
		if !regexp.MustCompile(want).MatchString(summary) {
			t.Errorf("no %q in\n%s", want, summary)
		}
	}
	for _, f := range d.Findings() {
		if f.Check == "equal" {
			t.Errorf("the servers are told apart by %s", f.Text)
		}
	}
	if err := report.Write(plan.Out, d); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(plan.Out + "/" + report.HTMLFile)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(page, []byte("not asked: it echoes bytes and speaks no WebSocket")); n != 2 || bytes.Contains(page, []byte("passed the conformance kit")) {
		t.Errorf("the report says %d times that conformance was not asked", n)
	}
}
