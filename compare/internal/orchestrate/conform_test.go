package orchestrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbench/results"
)

// What the kit knows itself it knows best.
func TestRecognize(t *testing.T) {
	lesson := []results.CaseResult{{Name: "a", Known: "holds a worker"}, {Name: "b", Known: "nobody reads"}}
	failed := []results.CaseResult{{Name: "a", Known: "the kit's own reason"}, {Name: "b"}, {Name: "c"}}
	if !recognize(failed, lesson) || failed[0].Known != "the kit's own reason" || failed[1].Known != "nobody reads" || failed[2].Known != "" {
		t.Errorf("%+v", failed)
	}
	if recognize(failed, lesson) {
		t.Error("recognized what was known")
	}
}

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
