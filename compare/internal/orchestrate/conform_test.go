package orchestrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbench/results"
)

func TestWithLesson(t *testing.T) {
	tried := results.CaseResult{Name: "a", Error: "timeout", Known: "holds a worker"}
	listed := []results.CaseResult{{Name: "a", Known: "holds a worker"}, {Name: "b", Known: "nobody reads"}}
	want := []results.CaseResult{tried, listed[1]}
	if d := cmp.Diff(want, withLesson([]results.CaseResult{tried}, listed)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := withLesson(nil, nil); got != nil {
		t.Errorf("an engine without a lesson fails %v", got)
	}
}
