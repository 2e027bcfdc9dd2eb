package main

import (
	"testing"

	"signalbench/server/engine"
	"signalbench/server/enginetest"
)

// TestEngines holds every engine of the list to the conformance kit, and once
// more with several descriptor tables where it can have them.
func TestEngines(t *testing.T) {
	for _, e := range engines {
		t.Run(e.Name, func(t *testing.T) { enginetest.Test(t, e) })
		if e.OwnTables {
			t.Run(e.Name+"-tables", func(t *testing.T) { enginetest.Test(t, withTables(e, 3)) })
		}
	}
}

// withTables returns the engine with n descriptor tables.
func withTables(e engine.Entry, n int) engine.Entry {
	one := e.New
	e.New = func(cfg engine.Config) (engine.Engine, error) {
		cfg.Tables = n
		return one(cfg)
	}
	return e
}
