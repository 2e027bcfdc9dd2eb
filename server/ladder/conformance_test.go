package ladder_test

import (
	"testing"

	"go.uber.org/goleak"

	"signalbench/server/enginetest"
	"signalbench/server/ladder"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Run("a", func(t *testing.T) { enginetest.Test(t, ladder.EntryA) })
	t.Run("b", func(t *testing.T) { enginetest.Test(t, ladder.EntryB) })
	t.Run("c", func(t *testing.T) { enginetest.Test(t, ladder.EntryC) })
	t.Run("d", func(t *testing.T) { enginetest.Test(t, ladder.EntryD) })
}
