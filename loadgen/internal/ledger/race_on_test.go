//go:build race

package ledger

// raceDetector: its own memory, some hundred bytes per call that it watches, is
// in the child's RSS too.
const raceDetector = true
