//go:build race

package gws

import (
	"testing"

	"signalbench/server/enginetest"
)

func TestConformance(t *testing.T) { enginetest.Quick(t, Entry) }
