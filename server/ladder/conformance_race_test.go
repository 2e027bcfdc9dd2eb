//go:build race

package ladder_test

import (
	"testing"

	"signalbench/server/enginetest"
	"signalbench/server/ladder"
)

func TestConformance(t *testing.T) {
	t.Run("a", func(t *testing.T) { enginetest.Quick(t, ladder.EntryA) })
	t.Run("b", func(t *testing.T) { enginetest.Quick(t, ladder.EntryB) })
	t.Run("c", func(t *testing.T) { enginetest.Quick(t, ladder.EntryC) })
	t.Run("d", func(t *testing.T) { enginetest.Quick(t, ladder.EntryD) })
}
