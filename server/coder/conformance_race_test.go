//go:build race

package coder

import (
	"testing"

	"signalbench/server/enginetest"
)

func TestConformance(t *testing.T) { enginetest.Quick(t, Entry) }
