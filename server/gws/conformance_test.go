//go:build !race

package gws

import (
	"testing"

	"signalbench/server/enginetest"
)

// The whole kit is for the run without the race detector: it mostly waits.
func TestConformance(t *testing.T) { enginetest.Test(t, Entry) }
