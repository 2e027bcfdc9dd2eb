package netpoll_test

import (
	"testing"

	"signalbench/server/enginetest"
	"signalbench/server/netpoll"
)

// TestConformance holds the engine to the kit.
func TestConformance(t *testing.T) { enginetest.Test(t, netpoll.Entry) }
