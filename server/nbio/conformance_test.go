package nbio

import (
	"testing"

	"signalbench/server/enginetest"
)

func TestConformance(t *testing.T) { enginetest.Test(t, Entry) }
