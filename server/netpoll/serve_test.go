package netpoll_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"signalbench/server/engine"
)

func TestMain(m *testing.M) {
	if value, ok := os.LookupEnv(childEnv); ok {
		if err := runChild(value); err != nil && !errors.Is(err, engine.ErrDrainDeadline) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// patience bounds every wait of these tests; nothing comes near it.
const patience = 20 * time.Second

// hooks is a Handler made of functions; nil ones do nothing, message echoes.
type hooks struct {
	accept  func(*engine.Request) error
	open    func(engine.Conn, *engine.Request)
	message func(engine.Conn, engine.Opcode, []byte)
	closed  func(engine.Conn, error)
}

func (h hooks) Accept(r *engine.Request) error {
	if h.accept != nil {
		return h.accept(r)
	}
	return nil
}

func (h hooks) Open(c engine.Conn, r *engine.Request) {
	if h.open != nil {
		h.open(c, r)
	}
}

func (h hooks) Message(c engine.Conn, op engine.Opcode, p []byte) {
	if h.message != nil {
		h.message(c, op, p)
		return
	}
	_ = c.Send(op, p)
}

func (h hooks) Closed(c engine.Conn, cause error) {
	if h.closed != nil {
		h.closed(c, cause)
	}
}

// A serving is an engine at work.
type serving struct {
	addr  string
	stats *engine.Stats
	stop  context.CancelFunc
	done  chan struct{}
	err   error
}

// serve starts an engine on loopback and stops it with the test.
func serve(tb testing.TB, e engine.Entry, h engine.Handler, edit func(*engine.Config)) *serving {
	tb.Helper()
	cfg := engine.DefaultConfig()
	cfg.DrainTimeout = 100 * time.Millisecond // peers of these tests do not say goodbye
	if edit != nil {
		edit(&cfg)
	}
	eng, err := e.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &serving{addr: l.Addr().String(), stats: cfg.Stats, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.err = eng.Serve(ctx, []net.Listener{l}, h)
	}()
	tb.Cleanup(func() {
		if err := s.end(tb); err != nil && !errors.Is(err, engine.ErrDrainDeadline) {
			tb.Errorf("Serve: %v", err)
		}
	})
	return s
}

// end stops the engine and returns what Serve returned.
func (s *serving) end(tb testing.TB) error {
	tb.Helper()
	s.stop()
	select {
	case <-s.done:
		return s.err
	case <-time.After(patience):
		tb.Fatal("Serve does not end")
		return nil
	}
}

// ended reports whether Serve has returned.
func (s *serving) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

const request = "GET /echo HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// A peer is a client over a plain socket.
type peer struct {
	*net.TCPConn
	r *bufio.Reader
}

func (s *serving) dial() (*peer, error) {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	return &peer{TCPConn: c.(*net.TCPConn), r: bufio.NewReader(c)}, nil
}

// upgrade returns a connection on which messages pass.
func (s *serving) upgrade() (*peer, error) {
	p, err := s.dial()
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(p, request); err != nil {
		return nil, err
	}
	return p, p.expect(http.StatusSwitchingProtocols)
}

// expect reads an HTTP response.
func (p *peer) expect(status int) error {
	got, err := p.status()
	if err == nil && got != status {
		err = fmt.Errorf("status %d, want %d", got, status)
	}
	return err
}

// open is upgrade for a test that cannot go on without.
func (s *serving) open(tb testing.TB) *peer {
	tb.Helper()
	p, err := s.upgrade()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	return p
}

func (p *peer) status() (int, error) {
	r, err := http.ReadResponse(p.r, nil)
	if err != nil {
		return 0, err
	}
	return r.StatusCode, nil
}

func masked(op ws.OpCode, payload []byte) []byte {
	f := ws.MaskFrame(ws.NewFrame(op, true, payload))
	b, err := ws.CompileFrame(f)
	if err != nil {
		panic(err)
	}
	return b
}

func (p *peer) send(op ws.OpCode, payload []byte) error {
	_, err := p.Write(masked(op, payload))
	return err
}

// want reads one frame and compares it.
func (p *peer) want(op ws.OpCode, payload []byte) error {
	got, text, err := p.frame()
	if err != nil {
		return err
	}
	if got != op || !bytes.Equal(text, payload) {
		return fmt.Errorf("got opcode %d and %d B %.80q, want %d and %d B %.80q", got, len(text), text, op, len(payload), payload)
	}
	return nil
}

// frame reads one frame of the server: whole messages, not masked.
func (p *peer) frame() (ws.OpCode, []byte, error) {
	h, err := ws.ReadHeader(p.r)
	if err != nil {
		return 0, nil, err
	}
	if !h.Fin || h.Masked || h.Length > 1<<24 {
		return 0, nil, fmt.Errorf("a frame with the header %+v", h)
	}
	payload := make([]byte, h.Length)
	_, err = io.ReadFull(p.r, payload)
	return h.OpCode, payload, err
}

// echo sends a message and wants it back.
func (p *peer) echo(payload string) error {
	if err := p.send(ws.OpText, []byte(payload)); err != nil {
		return err
	}
	return p.want(ws.OpText, []byte(payload))
}

// ended waits for the end of the connection, reset or not.
func (p *peer) ended() bool {
	_, err := io.Copy(io.Discard, p.r)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// eventually waits for a condition.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			tb.Fatalf("no %s within %v", what, patience)
		}
		time.Sleep(time.Millisecond) // between two looks at the condition
	}
}
