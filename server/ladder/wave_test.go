package ladder_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbench/server/echo"
	"signalbench/server/engine"
	"signalbench/server/ladder"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const request = "GET /echo HTTP/1.1\r\nHost: example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// A hold keeps every message in the handler until it is lifted.
type hold struct {
	echo.Handler
	wanted  int
	reached chan struct{} // closed when so many are in the handler at once
	lifted  chan struct{}

	mu           sync.Mutex
	inside, most int
}

func (h *hold) Message(c engine.Conn, op engine.Opcode, p []byte) {
	h.mu.Lock()
	h.inside++
	if h.most = max(h.most, h.inside); h.most == h.wanted && h.inside == h.wanted {
		select {
		case <-h.reached:
		default:
			close(h.reached)
		}
	}
	h.mu.Unlock()
	<-h.lifted
	h.Handler.Message(c, op, p)
	h.mu.Lock()
	h.inside--
	h.mu.Unlock()
}

// inUse is what this process's objects and stacks take, garbage excluded.
func inUse() uint64 {
	runtime.GC()
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() + samples[1].Value.Uint64()
}

// wave connects peers, has all of them send at once, and returns what a peer adds
// to the memory in use while wanted messages are in the handler, and how many were
// there at most until all were answered.
func wave(t *testing.T, e engine.Entry, cfg engine.Config, peers, wanted int) (each float64, most int) {
	t.Helper()
	eng, err := e.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hold{wanted: wanted, reached: make(chan struct{}), lifted: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- eng.Serve(ctx, []net.Listener{l}, h) }()

	clients := make([]net.Conn, peers)
	answer := make([]byte, 512)
	for i := range clients {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		n, err := c.Read(answer)
		if err != nil || !strings.HasSuffix(string(answer[:n]), "\r\n\r\n") {
			t.Fatalf("answered %q, %v", answer[:n], err)
		}
		clients[i] = c
	}
	before := inUse()
	for _, c := range clients {
		if _, err := c.Write([]byte{0x82, 0x81, 0, 0, 0, 0, 'x'}); err != nil {
			t.Fatal(err)
		}
	}
	<-h.reached
	each = (float64(inUse()) - float64(before)) / float64(peers)
	close(h.lifted)
	for _, c := range clients {
		if _, err := io.ReadFull(c, answer[:3]); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve returned %v", err)
	}
	return each, h.most
}

// At rest B and C hold as much. What the pool saves shows when all peers send at
// once: B then has a goroutine and a buffer for each of them.
func TestPoolBoundsAWave(t *testing.T) {
	const peers, workers = 400, 4
	cfg := engine.DefaultConfig()
	cfg.Workers = workers
	b, mostB := wave(t, ladder.EntryB, cfg, peers, peers)
	c, mostC := wave(t, ladder.EntryC, cfg, peers, workers)
	t.Logf("a wave adds %.0f B for each connection with a goroutine for each event, %.0f B with a pool", b, c)
	if mostB != peers || mostC != workers {
		t.Errorf("%d and %d messages were handled at once, want %d and %d", mostB, mostC, peers, workers)
	}
	if b < 4096 || c > b/4 {
		t.Errorf("a wave adds %.0f B for each connection of B and %.0f B of C, want at least 4096 B and a quarter of B's at most", b, c)
	}
}
