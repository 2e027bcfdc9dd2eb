package orchestrate

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbench/results"
)

// program is a server that is no engine of ours, played by the fake.
func program(name string) Arm {
	return Arm{Name: name, Program: &Program{Args: []string{"listen", "--engine", name}}}
}

// A program is started afresh like a server of ours, on a port of its own, but gets
// none of the flags that are ours.
func TestProgramIsMeasured(t *testing.T) {
	t.Parallel()
	r, dir := programs(t)
	p := plan(dir, 2)
	p.Arms, p.ServerFlags = []Arm{program("peer")}, []string{"--outbox=64KiB"}
	s, err := r.Run(t.Context(), p)
	if err != nil || s.Verdict != results.Valid {
		t.Fatalf("%+v, %v", s, err)
	}
	started := strings.Join(s.Arms[0].Server, " ")
	if !regexp.MustCompile(`^server listen --engine peer --listen 127\.0\.0\.1:\d+$`).MatchString(started) {
		t.Errorf("started as %s", started)
	}
	run, err := results.Open(filepath.Join(p.Out, "peer", "2"))
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Join(run.Spec.Command, " ")
	if !regexp.MustCompile(`--url ws://127\.0\.0\.1:\d+/echo .*--server-pid \d+`).MatchString(args) || strings.Contains(args, "--admin") {
		t.Errorf("load generator called with %s", args)
	}
	noServerAlive(t, dir)
}

// What a program is known to fail stands beside its figures; what it fails besides
// keeps it from being measured.
func TestProgramAndTheKit(t *testing.T) {
	t.Parallel()
	lesson := []results.CaseResult{
		{Name: "rsv1-set", Error: "on the list", Known: "it answers 1002 late"},
		{Name: "slow-kit-only", Error: "on the list", Known: "has no timeout"},
	}
	const failsOne = `{"passed":40,"failed":[{"name":"rsv1-set","error":"no close"}]}`
	for name, tt := range map[string]struct {
		found   string
		dies    bool // the kit, then
		measure bool
		want    []results.CaseResult // that failed
		says    string
	}{
		"known": {
			found: failsOne, measure: true,
			want: []results.CaseResult{{Name: "rsv1-set", Error: "no close", Known: "it answers 1002 late"}, lesson[1]},
		},
		"unknown": {
			found: `{"passed":40,"failed":[{"name":"rsv1-set","error":"no close"},{"name":"utf8-split","error":"no close 1007"}]}`,
			want: []results.CaseResult{
				{Name: "rsv1-set", Error: "no close", Known: "it answers 1002 late"}, {Name: "utf8-split", Error: "no close 1007"}, lesson[1],
			},
			says: "fails the conformance kit in 1 of 42 cases, so it is not measured; first: utf8-split (no close 1007)",
		},
		"kit that dies": {
			found: failsOne, dies: true,
			want: []results.CaseResult{{Name: "rsv1-set", Error: "no close", Known: "it answers 1002 late"}, lesson[1]},
			says: "exit status 3",
		},
		"broken kit": {
			found: `{"passed":40}`, want: lesson,
			says: "a case failed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, dir := programs(t)
			file := "kit"
			if tt.dies {
				file = "kit-dies"
			}
			if err := os.WriteFile(filepath.Join(dir, file), []byte(tt.found), 0o600); err != nil {
				t.Fatal(err)
			}
			p := plan(dir, 1)
			p.Arms = []Arm{program("peer")}
			p.Arms[0].Lesson = lesson
			s, err := r.Run(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if measured := s.Steps[0].Dir != ""; measured != tt.measure || (s.Verdict == results.Valid) != tt.measure {
				t.Errorf("measured %v, verdict %s, %v", measured, s.Verdict, s.Findings)
			}
			if d := cmp.Diff(tt.want, s.Arms[0].Conformance.Failed); d != "" {
				t.Errorf("failed cases, -want +got:\n%s", d)
			}
			if tt.says != "" && !slices.ContainsFunc(s.Findings, func(f results.Finding) bool { return strings.Contains(f.Text, tt.says) }) {
				t.Errorf("no finding says %q: %v", tt.says, s.Findings)
			}
		})
	}
}

// The process in the ready line is the one whose memory is read: a shell that was left
// around the server is found.
func TestProgramBehindAnother(t *testing.T) {
	t.Parallel()
	r, dir := programs(t)
	p := plan(dir, 1)
	p.Arms = []Arm{program("wrapped")}
	s, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if e := s.Steps[0].Error; !strings.Contains(e, "asked for engine wrapped") || !strings.Contains(e, "but ready is") {
		t.Errorf("error %q", e)
	}
	noServerAlive(t, dir)
}

func TestRefusedPrograms(t *testing.T) {
	t.Parallel()
	p := plan("out", 1)
	p.Arms = []Arm{program("peer")}
	p.Shards = 2
	if err := p.validate(); err == nil || !strings.Contains(err.Error(), "peer is one process") {
		t.Errorf("two processes: %v", err)
	}
	p.Shards, p.Load.Workloads, p.Load.Storm.By = 1, []string{results.WorkloadStorm}, results.StormRestart
	if err := p.validate(); err == nil || !strings.Contains(err.Error(), "peer has none: give --storm reset") {
		t.Errorf("a restart: %v", err)
	}
	p.Load.Storm.By = results.StormReset
	if err := p.validate(); err != nil {
		t.Errorf("a storm of resets: %v", err)
	}
}
