package main

import (
	"context"
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"signalbench/server/admin"
	"signalbench/server/engine"
)

// serveEngine serves echo on a port of its own until the test ends.
func serveEngine(t testing.TB, e engine.Entry, cfg engine.Config, h engine.Handler) *net.TCPAddr {
	t.Helper()
	eng, err := e.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := listen(t.Context(), "127.0.0.1:0", 1024)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- eng.Serve(ctx, []net.Listener{l}, h) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, engine.ErrDrainDeadline) {
			t.Errorf("Serve returned %v", err)
		}
	})
	return l.Addr().(*net.TCPAddr)
}

// A bare is a client's blocking socket without anything of Go's around it, so
// that what the test counts is the engine's.
type bare int

// rawRequest and rawEcho are what a bare client sends: RFC 6455 section 1.3's
// request, a masked binary message of 128 B, and a ping as a heartbeat sends it.
var (
	rawRequest = []byte("GET /echo HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	rawEcho = append([]byte{0x82, 0x80 | 126, 0, 128, 1, 2, 3, 4}, make([]byte, 128)...)
	rawPing = append([]byte{0x89, 0x80 | 8, 1, 2, 3, 4}, make([]byte, 8)...)
)

const (
	rawResponseSize = len("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
	rawAnswerSize = 4 + 128
	rawPongSize   = 2 + 8
)

// dialBare connects and makes the opening handshake. The caller closes.
func dialBare(t testing.TB, a *net.TCPAddr) bare {
	t.Helper()
	b := connectBare(t, a)
	b.exchange(t, rawRequest, rawResponseSize)
	return b
}

// connectBare is dialBare without the handshake.
func connectBare(t testing.TB, a *net.TCPAddr) bare {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	to := &unix.SockaddrInet4{Port: a.Port}
	copy(to.Addr[:], a.IP.To4())
	for err = unix.EINTR; err == unix.EINTR; {
		err = unix.Connect(fd, to)
	}
	if err != nil && err != unix.EISCONN {
		t.Fatal(err)
	}
	return bare(fd)
}

func (b bare) close() { unix.Close(int(b)) }

// exchange sends p and reads n bytes.
func (b bare) exchange(t testing.TB, p []byte, n int) {
	if _, err := unix.Write(int(b), p); err != nil {
		t.Fatal(err)
	}
	b.receive(t, n)
}

// receive reads n bytes.
func (b bare) receive(t testing.TB, n int) {
	var buf [512]byte
	for n > 0 {
		k, err := unix.Read(int(b), buf[:])
		switch {
		case err == unix.EINTR:
		case err != nil || k == 0:
			t.Fatalf("read %d bytes, %v", k, err)
		default:
			n -= k
		}
	}
}

// An idle connection of the goroutine-per-connection engines costs, after some
// echoes and an answered ping, no more than this of the server's memory. It is the slope between two
// plateaus, of a process of its own. A stack that has grown would show as 2 KiB
// more.
func TestFootprint(t *testing.T) {
	if raceEnabled || testing.CoverMode() != "" {
		t.Skip("instrumented code has larger frames")
	}
	t.Parallel()
	const first, second = 500, 3000
	for name, most := range map[string]struct{ resident, heap, stack float64 }{
		"gorilla-lean": {6000, 2300, 2200},
		"gobwas":       {4200, 1350, 2200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
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
			plateau := func(n int) *admin.Stats {
				for len(clients) < n {
					b := dialBare(t, address)
					clients = append(clients, b)
					for range 5 {
						b.exchange(t, rawEcho, rawAnswerSize)
					}
					b.exchange(t, rawPing, rawPongSize)
				}
				return p.settle(t)
			}
			before := plateau(first)
			after := plateau(second)
			slope := func(before, after uint64) float64 { return (float64(after) - float64(before)) / (second - first) }
			resident := slope(uint64(before.Process.Anon), uint64(after.Process.Anon))
			heap, stack := slope(before.Go.HeapLive, after.Go.HeapLive), slope(before.Go.Stacks, after.Go.Stacks)
			t.Logf("%.0f B resident, %.0f B of heap, %.0f B of stack", resident, heap, stack)
			if resident > most.resident || heap > most.heap || stack > most.stack {
				t.Errorf("a connection costs %.0f B resident, %.0f B of heap and %.0f B of stack, want at most %v", resident, heap, stack, most)
			}
		})
	}
}
