//go:build race

package nbio

import (
	"testing"

	"signalbench/server/enginetest"
)

func TestConformance(t *testing.T) { enginetest.Quick(t, Entry) }
