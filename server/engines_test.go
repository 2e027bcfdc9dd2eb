package main

import (
	"testing"

	"signalbench/server/enginetest"
)

// TestEngines holds every engine of the list to the conformance kit.
func TestEngines(t *testing.T) {
	for _, e := range engines {
		t.Run(e.Name, func(t *testing.T) { enginetest.Test(t, e) })
	}
}
