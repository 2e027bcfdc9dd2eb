//go:build race

package ladder_test

import (
	"testing"

	"signalbench/server/enginetest"
	"signalbench/server/ladder"
)

// C is made of what B and D are made of: its part of the race is the wave.
func TestConformance(t *testing.T) {
	t.Run("a", func(t *testing.T) { enginetest.Quick(t, ladder.EntryA) })
	t.Run("b", func(t *testing.T) { enginetest.Quick(t, ladder.EntryB) })
	t.Run("d", func(t *testing.T) { enginetest.Quick(t, ladder.EntryD) })
}
