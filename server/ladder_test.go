package main

import (
	"net"
	"testing"
)

// Every rung of the ladder takes less of the server's memory for an idle connection
// than the one before, as in the article: net/http's pair of buffers is what parts C
// from D, and the goroutines with their buffers part A from B. B and C differ in a
// wave alone (see package ladder). The figure is the slope between two plateaus
// after one echo each, of a process of its own.
func TestLadderDescends(t *testing.T) {
	if raceEnabled || testing.CoverMode() != "" {
		t.Skip("instrumented code has larger frames and objects")
	}
	t.Parallel()
	const first, second = 200, 2200
	measure := func(name string) float64 {
		p := startProcess(t, nil, "--engine", name, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--quiet", "--drain-timeout", "0s")
		address, err := net.ResolveTCPAddr("tcp", p.Listen[0])
		if err != nil {
			t.Fatal(err)
		}
		var clients []bare
		defer func() {
			for _, b := range clients {
				b.close()
			}
		}()
		plateau := func(n int) float64 {
			for len(clients) < n {
				b := dialBare(t, address)
				clients = append(clients, b)
				b.exchange(t, rawEcho, rawAnswerSize)
			}
			s := p.settle(t)
			t.Logf("%s: %d connections, %d B resident, %d B of heap, %d B of stacks, %d goroutines",
				name, n, s.Process.Anon, s.Go.HeapLive, s.Go.Stacks, s.Go.Goroutines)
			return float64(s.Process.Anon)
		}
		before := plateau(first)
		return (plateau(second) - before) / (second - first)
	}
	a, b, c, d := measure("ladder-a"), measure("ladder-b"), measure("ladder-c"), measure("ladder-d")
	t.Logf("resident for each connection: %.0f, %.0f, %.0f, %.0f B", a, b, c, d)
	const page = 4096
	switch {
	case a < b+2*page:
		t.Errorf("A takes %.0f B for a connection and B %.0f B: two buffers and two stacks are not what parts them", a, b)
	case b < c*0.85 || c < b*0.85:
		t.Errorf("B takes %.0f B for a connection and C %.0f B, which hold the same at rest", b, c)
	case c < d+1.5*page:
		t.Errorf("C takes %.0f B for a connection and D %.0f B: net/http's pair of buffers is not what parts them", c, d)
	case d > page:
		t.Errorf("D takes %.0f B for a connection, which is to be less than any one buffer", d)
	}
}
