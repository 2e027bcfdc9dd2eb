package netpoll_test

import (
	"testing"

	"signalbench/server/engine"
	"signalbench/server/enginetest"
	"signalbench/server/netpoll"
)

func TestConformance(t *testing.T) {
	t.Run("one table", func(t *testing.T) { enginetest.Test(t, netpoll.Entry) })
	t.Run("three tables", func(t *testing.T) {
		e := netpoll.Entry
		e.New = func(cfg engine.Config) (engine.Engine, error) {
			cfg.Tables = 3
			return netpoll.Entry.New(cfg)
		}
		enginetest.Test(t, e)
	})
	t.Run("desc", func(t *testing.T) { enginetest.Test(t, netpoll.DescEntry) })
}
