package engine

// An Entry describes one engine in the server's list.
type Entry struct {
	// Name is what --engine takes.
	Name string
	// Summary is one line for help texts and reports.
	Summary string
	// IdleBytes is about what an idle connection takes of the process's memory
	// after one echo and without a forced GC, garbage included: the as-run slope
	// of its RSS, rounded up. What the process itself takes is not in it. It
	// decides whether a number of connections is tried at all, and is in no
	// result: those are measured.
	IdleBytes int
	// OwnTables marks an engine that can divide its connections among several
	// descriptor tables (Config.Tables).
	OwnTables bool
	// Optional marks an engine that is measured only when it is named, as it is there
	// to compare with: what others make, or what somebody once published.
	Optional bool
	// New returns the engine or says which field of the Config it cannot serve.
	New func(Config) (Engine, error)
	// Lesson, if not empty, marks an engine kept to show a known mistake: the
	// conformance cases that it fails, each with the reason. Such an engine is
	// measured only when named, and these failures stand beside its figures. A
	// listed case that passes is an error of the list.
	Lesson []KnownFailure
}

// A KnownFailure is a conformance case that an engine is known to fail.
type KnownFailure struct {
	Case string `json:"case"` // the case's name in the conformance kit
	Why  string `json:"why"`  // one sentence
}
