package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"signalbench/server/echo"
	"signalbench/server/engine"
)

// A bomb panics in one method, once.
type bomb struct {
	echo.Handler
	in     string
	blown  atomic.Bool
	closed chan error
}

func (b *bomb) blow(in string) {
	if b.in == in && b.blown.CompareAndSwap(false, true) {
		panic("bomb in " + in)
	}
}

func (b *bomb) Accept(r *engine.Request) error {
	b.blow("Accept")
	return b.Handler.Accept(r)
}

func (b *bomb) Open(c engine.Conn, r *engine.Request) { b.blow("Open") }

func (b *bomb) Message(c engine.Conn, op engine.Opcode, p []byte) {
	b.blow("Message")
	b.Handler.Message(c, op, p)
}

func (b *bomb) Closed(_ engine.Conn, cause error) {
	b.closed <- cause
	b.blow("Closed")
}

// TestPanickingHandler ends one connection, is logged, and leaves the server to
// others.
func TestPanickingHandler(t *testing.T) {
	t.Parallel()
	for _, e := range measured() {
		for _, in := range []string{"Accept", "Open", "Message", "Closed"} {
			t.Run(e.Name+"/"+in, func(t *testing.T) {
				t.Parallel()
				var log bytes.Buffer
				out := &oneAtATime{w: &log}
				cfg := engine.DefaultConfig()
				cfg.Log = slog.New(slog.NewTextHandler(out, nil))
				h := &bomb{in: in, closed: make(chan error, 2)}
				address := serveEngine(t, e, cfg, h).String()

				c, resp, err := websocket.DefaultDialer.Dial("ws://"+address+"/echo", nil)
				if in == "Accept" {
					if resp == nil || resp.StatusCode != http.StatusInternalServerError {
						t.Fatalf("handshake answered %v, %v", resp, err)
					}
				} else {
					if err != nil {
						t.Fatal(err)
					}
					_ = c.WriteMessage(websocket.TextMessage, []byte("tick"))
					if in == "Closed" {
						_ = c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""))
						for err == nil {
							_, _, err = c.ReadMessage()
						}
					} else {
						wantClose(t, c, websocket.CloseInternalServerErr)
					}
					c.Close()
					var fail *engine.CloseError
					if cause := <-h.closed; in == "Closed" && cause != nil || in != "Closed" && (!errors.As(cause, &fail) || fail.Code != engine.CloseInternal) {
						t.Errorf("the handler was told %v", cause)
					}
				}
				dialEcho(t, address).Close()
				<-h.closed
				// The handler has been told of a close before what it does then blows up
				// and is logged.
				eventually(t, "what blew up where in the log", func() bool {
					out.mu.Lock()
					defer out.mu.Unlock()
					return strings.Contains(log.String(), "bomb in "+in) && strings.Contains(log.String(), "panic_test.go")
				})
			})
		}
	}
}
