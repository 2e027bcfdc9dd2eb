package ladder_test

import (
	"testing"

	"signalbench/server/enginetest"
	"signalbench/server/ladder"
)

func TestConformanceA(t *testing.T) { enginetest.Test(t, ladder.EntryA) }
func TestConformanceB(t *testing.T) { enginetest.Test(t, ladder.EntryB) }
func TestConformanceC(t *testing.T) { enginetest.Test(t, ladder.EntryC) }
func TestConformanceD(t *testing.T) { enginetest.Test(t, ladder.EntryD) }
