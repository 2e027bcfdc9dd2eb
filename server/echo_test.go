package main

import (
	"testing"

	"signalbench/server/engine"
)

// forced is how many allocations for an echo an engine's library forces:
// gorilla a reader for each message and, as documented, the message itself; with
// a pool also the box in which its buffer goes back.
var forced = map[string]float64{"gorilla": 2, "gorilla-lean": 2, "gobwas": 0, "netpoll": 0}

// TestEchoAllocates nothing but what the library forces.
func TestEchoAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	for _, e := range measured() {
		t.Run(e.Name, func(t *testing.T) {
			c := dialBare(t, serveEngine(t, e, engine.DefaultConfig(), newService(t)))
			defer c.close()
			// The rounding down of AllocsPerRun forgives a pool that a collection emptied.
			got := testing.AllocsPerRun(2000, func() { c.exchange(t, rawEcho, rawAnswerSize) })
			if most, ok := forced[e.Name]; !ok || got > most {
				t.Errorf("%v allocations for an echo, want at most %v", got, most)
			}
		})
	}
}

// BenchmarkEcho is a message of 128 B there and back over one connection.
func BenchmarkEcho(b *testing.B) {
	for _, e := range measured() {
		b.Run(e.Name, func(b *testing.B) {
			c := dialBare(b, serveEngine(b, e, engine.DefaultConfig(), newService(b)))
			defer c.close()
			b.ReportAllocs()
			for b.Loop() {
				c.exchange(b, rawEcho, rawAnswerSize)
			}
		})
	}
}
