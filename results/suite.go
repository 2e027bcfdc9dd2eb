package results

import "time"

// SchemaSuite names the format of suite.json.
const SchemaSuite = "signalbench.suite/v1"

// A Suite is a comparison: several arms, each measured several times.
type Suite struct {
	Schema  string    `json:"schema"`
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Partial bool      `json:"partial"`
	Command []string  `json:"command"`
	Env     Env       `json:"env"`

	Arms        []Arm  `json:"arms"`
	Repetitions int    `json:"repetitions"`        // asked for
	Seed        uint64 `json:"seed"`               // decides the order of the arms
	NoClaim     string `json:"no_claim,omitempty"` // why no figure of this suite carries a claim
	Steps       []Step `json:"steps"`              // in the order in which they ran
	// Reproduction is nil unless the suite repeats what somebody published.
	Reproduction *Reproduction `json:"reproduction,omitempty"`
	// Benchmarks are operations that were timed by themselves beside the steps.
	Benchmarks []Benchmark `json:"benchmarks,omitempty"`

	Findings []Finding `json:"findings"`
	Verdict  Verdict   `json:"verdict"`
}

// An Arm is one thing under comparison.
type Arm struct {
	Name    string   `json:"name"`
	Summary string   `json:"summary"`
	Server  []string `json:"server"` // the server's argv
	// Setting is what this arm has otherwise than others of the same engine; nil if
	// there are none.
	Setting *Setting `json:"setting,omitempty"`
	// Conformance is the outcome of the kit before measuring.
	Conformance Conformance `json:"conformance"`
}

// A Setting of the Go runtime under which an engine was measured, as it was asked
// for.
type Setting struct {
	Engine      string `json:"engine"`
	GOGC        string `json:"gogc,omitempty"`         // percent, or "off"
	MemoryLimit string `json:"memory_limit,omitempty"` // for example "512MiB"; empty: none
}

// Conformance sums up a pass of the conformance kit.
type Conformance struct {
	Passed  int          `json:"passed"`
	Failed  []CaseResult `json:"failed,omitempty"`
	Skipped int          `json:"skipped"`
}

// CaseResult is one case that did not pass.
type CaseResult struct {
	Name  string `json:"name"`
	Error string `json:"error"`
	Known string `json:"known,omitempty"` // why, if the engine is a lesson that is known to fail it
}

// A Step is one run of a suite.
type Step struct {
	Arm        string  `json:"arm"`
	Repetition int     `json:"repetition"` // from 1
	Dir        string  `json:"dir"`        // relative to the suite's folder; empty if no run was written
	Verdict    Verdict `json:"verdict"`
	Error      string  `json:"error,omitempty"`
}
