package ladder_test

import (
	"testing"

	"signalbench/server/ladder"
)

// What the article says of allocations holds but for the 28 bytes of the accept key
// (see [ladder.Handshakes]), and net/http's upgrade hands out a pair of buffers.
func TestHandshakeAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random")
	}
	for _, h := range ladder.Handshakes() {
		var failed error
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := h.Do(); err != nil {
				failed = err
			}
		})
		if failed != nil {
			t.Fatal(failed)
		}
		switch h.Name {
		case "upgrade.zerocopy":
			if allocs > 1 {
				t.Errorf("%s makes %v allocations", h.Name, allocs)
			}
		case "upgrade.nethttp", "upgrade.nethttp-read":
			if allocs < 2 {
				t.Errorf("%s makes %v allocations, and a pair of buffers is two", h.Name, allocs)
			}
		}
	}
}
