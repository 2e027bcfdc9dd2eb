package results

// A Verdict is the run's judgement of itself.
type Verdict string

const (
	Valid   Verdict = "VALID"
	Invalid Verdict = "INVALID"
)

// Severity says what a finding does to the verdict.
type Severity string

const (
	// Fatal makes the run INVALID.
	Fatal Severity = "fatal"
	// Warning leaves it valid and is printed beside the figures.
	Warning Severity = "warning"
	// Note is a fact that a reader should know.
	Note Severity = "note"
)

// A Finding is one reason to distrust a run, or a fact to read it with.
type Finding struct {
	Severity Severity `json:"severity"`
	// Check names the rule: "accounting", "delivery", "histogram", "offered",
	// "little", "lag", "cpu", "server-alive", "dials", "partial", ...
	Check string `json:"check"`
	Phase string `json:"phase,omitempty"`
	// Text says what was expected and what was found, with units.
	Text string `json:"text"`
}
