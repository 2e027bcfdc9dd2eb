package netpoll_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/gobwas/ws"

	"signalbench/server/echo"
	"signalbench/server/netpoll"
)

// BenchmarkEcho is one closed loop over one loopback connection: what it
// allocates is the engine's, the client reuses its bytes.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{128, 4096, 60_000} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			s := serve(b, netpoll.Entry, echo.Handler{}, nil)
			p := s.open(b)
			message := masked(ws.OpBinary, make([]byte, size))
			reply := make([]byte, len(message)-4)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Write(message); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(p.r, reply); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A steady echo allocates nothing, on the poller or anywhere else.
func TestEchoAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools forget on purpose")
	}
	s := serve(t, netpoll.Entry, echo.Handler{}, nil)
	p := s.open(t)
	message := masked(ws.OpText, make([]byte, 128))
	reply := make([]byte, 2+2+128)
	n := testing.AllocsPerRun(2000, func() {
		if _, err := p.Write(message); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(p.r, reply); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 { // AllocsPerRun rounds down, so a collection in between does no harm
		t.Errorf("%v allocations for each echo", n)
	}
}

// BenchmarkEchoMany has a message on each of 200 connections at once, so a poller
// finds many ready at a time. One op is one echo.
func BenchmarkEchoMany(b *testing.B) {
	s := serve(b, netpoll.Entry, echo.Handler{}, nil)
	peers := make([]*peer, 200)
	for i := range peers {
		peers[i] = s.open(b)
	}
	message := masked(ws.OpBinary, make([]byte, 128))
	reply := make([]byte, len(message)-4)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += len(peers) {
		for _, p := range peers {
			if _, err := p.Write(message); err != nil {
				b.Fatal(err)
			}
		}
		for _, p := range peers {
			if _, err := io.ReadFull(p.r, reply); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkUpgrade is connect, upgrade and reset; most allocations are the client's.
func BenchmarkUpgrade(b *testing.B) {
	s := serve(b, netpoll.Entry, echo.Handler{}, nil)
	b.ReportAllocs()
	for b.Loop() {
		p, err := s.upgrade()
		if err != nil {
			b.Fatal(err)
		}
		_ = p.SetLinger(0)
		p.Close()
	}
}
