//go:build race

package frame_test

// raceEnabled: under the race detector sync.Pool drops a part of what it is
// given, so counting allocations says nothing.
const raceEnabled = true
