package gorilla_test

import (
	"testing"

	"signalbench/server/enginetest"
	"signalbench/server/gorilla"
)

func TestConformance(t *testing.T) {
	t.Run("as documented", func(t *testing.T) { enginetest.Test(t, gorilla.Entry) })
	t.Run("lean", func(t *testing.T) { enginetest.Test(t, gorilla.LeanEntry) })
}
