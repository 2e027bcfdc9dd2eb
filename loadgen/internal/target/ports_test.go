package target

import (
	"strings"
	"testing"

	"signalbench/loadgen/internal/wire"
)

// Ports of one server are filled one after the other, in equal parts, from as
// many sources as leave the search for a local port short.
func TestFill(t *testing.T) {
	urls, err := Consecutive("ws://127.0.0.1:10000/echo", 3)
	if err != nil {
		t.Fatal(err)
	}
	tg, err := Resolve(t.Context(), urls, "")
	if err != nil {
		t.Fatal(err)
	}
	tg.Fill(0)
	const conns, ports = 50_000, 28_000 // not a multiple of 3
	s := tg.Spread(conns, ports)
	pairs := make(map[string]int)
	each := make(map[uint16]int)
	last := uint16(0)
	for n := range uint32(conns) {
		r, ok := s.Route(n, 0)
		if !ok {
			t.Fatalf("connection %d has no route", n)
		}
		if r.To.Port() < last {
			t.Fatalf("connection %d goes back to port %d", n, r.To.Port())
		}
		last = r.To.Port()
		each[last]++
		pairs[r.From.String()+" "+r.To.String()]++
		if got := tg.Addrs()[s.Destination(n)]; got != r.To {
			t.Fatalf("connection %d: destination %v, route to %v", n, got, r.To)
		}
	}
	for _, port := range []uint16{10000, 10001, 10002} {
		if n := each[port]; n < conns/3-1 || n > conns/3+1 {
			t.Errorf("port %d has %d of %d connections", port, n, conns)
		}
	}
	for pair, n := range pairs {
		if n > ports/2 {
			t.Errorf("%s: %d connections, half of %d ports is the most", pair, n, ports)
		}
	}
}

// No port is left out, however few connections there are for each.
func TestFillEvenly(t *testing.T) {
	urls, err := Consecutive("ws://127.0.0.1:10000/echo", 100)
	if err != nil {
		t.Fatal(err)
	}
	tg, err := Resolve(t.Context(), urls, "")
	if err != nil {
		t.Fatal(err)
	}
	tg.Fill(0)
	for _, conns := range []int{100, 150, 199, 1001, 1_000_000} {
		s := tg.Spread(conns, 28_000)
		each := make([]int, len(urls))
		for n := range uint32(conns) {
			each[s.Destination(n)]++
		}
		for i, n := range each {
			if n < conns/100 || n > conns/100+1 {
				t.Errorf("destination %d has %d of %d connections", i, n, conns)
			}
		}
	}
}

// Each port gets so many connections, and what is left goes to the last.
func TestFillEach(t *testing.T) {
	urls, err := Consecutive("ws://127.0.0.1:10000/{i}", 3)
	if err != nil {
		t.Fatal(err)
	}
	tg, err := Resolve(t.Context(), urls, "")
	if err != nil {
		t.Fatal(err)
	}
	tg.Fill(50_000)
	const conns, ports = 120_000, 28_000
	s := tg.Spread(conns, ports)
	each := make(map[uint16]int)
	pairs := make(map[wire.Route]int)
	for n := range uint32(conns) {
		r, ok := s.Route(n, 0)
		if !ok || tg.Addrs()[s.Destination(n)] != r.To {
			t.Fatalf("connection %d goes to %v, %v", n, r, ok)
		}
		each[r.To.Port()]++
		pairs[r]++
	}
	if each[10000] != 50_000 || each[10001] != 50_000 || each[10002] != 20_000 {
		t.Errorf("%v", each)
	}
	for r, n := range pairs {
		if n > ports/2 {
			t.Errorf("%d connections share %v", n, r)
		}
	}
}

func TestConsecutiveRefuses(t *testing.T) {
	for _, c := range []struct {
		url   string
		ports int
		says  string
	}{
		{"ws://127.0.0.1/echo", 2, "names no port"},
		{"ws://127.0.0.1:65000/echo", 600, "from port 65000 there are 1 to 536"},
		{"ws://127.0.0.1:10000/echo", 0, "--ports 0"},
		{"http://127.0.0.1:10000/echo", 2, "scheme http"},
	} {
		if _, err := Consecutive(c.url, c.ports); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s with %d ports: %v, want %q", c.url, c.ports, err, c.says)
		}
	}
}
