//go:build !race

package main

import "testing"

// unlessRaced skips under the race detector what it cannot see into.
func unlessRaced(t *testing.T) { t.Helper() }
