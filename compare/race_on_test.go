//go:build race

package main

import "testing"

// unlessRaced skips under the race detector what it cannot see into.
func unlessRaced(t *testing.T) {
	t.Skip("it builds programs, which the detector does not see: scripts/test.sh reproduce runs the like of it")
}
