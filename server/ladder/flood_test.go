package ladder_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"signalbench/server/engine"
	"signalbench/server/ladder"
)

// An ear has the connection evicted with the first message, and tells when it has
// ended.
type ear struct {
	evict  func(engine.Conn)
	heard  int // messages
	closed chan error
}

func (e *ear) Accept(*engine.Request) error      { return nil }
func (e *ear) Open(engine.Conn, *engine.Request) {}
func (e *ear) Message(c engine.Conn, _ engine.Opcode, _ []byte) {
	e.heard++
	e.evict(c)
}
func (e *ear) Closed(_ engine.Conn, cause error) { e.closed <- cause }

// A peer that reads nothing and never stops sending is thrown out all the same: it
// is not read until it pauses.
func TestEvictedInAFlood(t *testing.T) {
	for _, e := range []engine.Entry{ladder.EntryA, ladder.EntryB, ladder.EntryC, ladder.EntryD} {
		t.Run(e.Name, func(t *testing.T) {
			cfg := engine.DefaultConfig()
			big := make([]byte, cfg.MaxMessage)
			h := &ear{closed: make(chan error, 1), evict: func(c engine.Conn) {
				for c.Send(engine.OpBinary, big) == nil {
				}
			}}
			eng, err := e.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			served := make(chan error)
			go func() { served <- eng.Serve(ctx, []net.Listener{l}, h) }()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			const frame = "\x82\x81\x00\x00\x00\x00x"
			flood := []byte(strings.Repeat(frame, 8<<10))
			_, err = io.WriteString(c, request)
			for err == nil {
				_, err = c.Write(flood)
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("it could send until its time was over")
			}
			if cause := <-h.closed; !errors.Is(cause, engine.ErrSlow) {
				t.Errorf("ended with %v, want a slow consumer", cause)
			}
			if most := 4<<10/len(frame) + 1; h.heard > most {
				t.Errorf("%d messages were read, %d of them after the eviction at least", h.heard, h.heard-most)
			}
			cancel()
			if err := <-served; err != nil {
				t.Errorf("Serve returned %v", err)
			}
		})
	}
}
