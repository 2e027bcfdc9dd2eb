//go:build race

package ledger

// raceEnabled: its own memory, some hundred bytes per call that it watches, is
// in the child's RSS too.
const raceEnabled = true
