//go:build !race

package ladder_test

import (
	"testing"

	"signalbench/server/enginetest"
	"signalbench/server/ladder"
)

// The whole kit is for the run without the race detector: it mostly waits, for each
// rung as long as for any other engine.
func TestConformance(t *testing.T) {
	t.Run("a", func(t *testing.T) { enginetest.Test(t, ladder.EntryA) })
	t.Run("b", func(t *testing.T) { enginetest.Test(t, ladder.EntryB) })
	t.Run("c", func(t *testing.T) { enginetest.Test(t, ladder.EntryC) })
	t.Run("d", func(t *testing.T) { enginetest.Test(t, ladder.EntryD) })
}
