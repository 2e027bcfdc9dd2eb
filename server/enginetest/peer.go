package enginetest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// patience is how long the kit waits for anything that a server should do at
// once: long enough for a loaded machine, since no case measures speed.
const patience = 5 * time.Second

// A peer is one client connection. It is used by one goroutine, except that one
// may send while another receives.
//
// Sending reports no error: a server that has refused what came before resets
// the rest, and what it did is read, not written. A failed write is mentioned by
// the read that then fails.
type peer struct {
	conn    net.Conn     // what is spoken over, TCP or TLS
	tcp     *net.TCPConn // the socket below
	r       *bufio.Reader
	end     endpoint
	sendErr error
	release func() bool // stops watching the context of the case
}

// dial opens a connection and completes the TLS handshake of a wss target. When
// ctx is done the connection is cut, which ends every read and write.
func (t *Target) dial(ctx context.Context) (*peer, error) {
	e, err := t.endpoint()
	if err != nil {
		return nil, err
	}
	p, err := t.connect(ctx, e)
	if err != nil {
		return nil, err
	}
	if e.secure {
		cfg := t.TLS.Clone()
		if cfg == nil {
			cfg = new(tls.Config)
		}
		if cfg.ServerName == "" {
			cfg.ServerName = e.host
		}
		c := tls.Client(p.tcp, cfg)
		p.tcp.SetDeadline(time.Now().Add(patience))
		if err := c.HandshakeContext(ctx); err != nil {
			p.reset()
			return nil, fmt.Errorf("TLS handshake with %s: %w", e.addr, err)
		}
		p.tcp.SetDeadline(time.Time{})
		p.conn = c
		p.r.Reset(c)
	}
	return p, nil
}

// connect opens the socket only, under ctx as dial does.
func (t *Target) connect(ctx context.Context, e endpoint) (*peer, error) {
	d := net.Dialer{Timeout: patience}
	if n := t.receiveBuffer; n != 0 {
		// Before connect, or the window that is offered is the default one.
		d.Control = func(_, _ string, c syscall.RawConn) error { return setBuffer(c, syscall.SO_RCVBUF, n) }
	}
	c, err := d.DialContext(ctx, "tcp", e.addr)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	tcp := c.(*net.TCPConn)
	release := context.AfterFunc(ctx, func() { tcp.Close() })
	return &peer{conn: c, tcp: tcp, r: bufio.NewReader(c), end: e, release: release}, nil
}

// setBuffer sets the size in bytes of one of a socket's kernel buffers.
func setBuffer(c syscall.RawConn, which, n int) error {
	var serr error
	err := c.Control(func(fd uintptr) { serr = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, which, n) })
	return errors.Join(err, serr)
}

// upgrade opens a connection and completes the opening handshake.
func (t *Target) upgrade(ctx context.Context) (*peer, error) {
	p, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	h := newHead(p.end)
	p.write(h.bytes())
	if err := p.upgraded(h); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// upgraded reads the answer to h and verifies it.
func (p *peer) upgraded(h *head) error {
	r, err := p.response(h.method)
	if err != nil {
		return err
	}
	return h.verify(r)
}

// response reads an HTTP response; its body, if any, is read to the end and
// dropped, so that what follows is in step.
func (p *peer) response(method string) (*http.Response, error) {
	p.conn.SetReadDeadline(time.Now().Add(patience))
	r, err := http.ReadResponse(p.r, &http.Request{Method: method})
	if err != nil {
		return nil, p.failed("an HTTP response", err)
	}
	if r.StatusCode != http.StatusSwitchingProtocols {
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 64<<10))
		r.Body.Close()
	}
	return r, nil
}

func (p *peer) close() {
	p.release()
	p.conn.Close()
}

// reset ends the connection with RST instead of FIN, as a crashed client does.
func (p *peer) reset() {
	p.release()
	_ = p.tcp.SetLinger(0)
	p.tcp.Close()
}

// write sends b with one call, so in one segment as far as it fits.
func (p *peer) write(b []byte) {
	if p.sendErr != nil {
		return
	}
	p.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := p.conn.Write(b); err != nil {
		p.sendErr = err
	}
}

// send sends frames with one call.
func (p *peer) send(frames ...frame) { p.write(wire(frames...)) }

// trickle sends b with one call per byte. TCP_NODELAY is Go's default, so each
// is a segment of its own; but a receiver may be late and find several, so the
// first bytes, where lengths stand, and some after them are given time to be
// read alone.
func (p *peer) trickle(b []byte) {
	for i := range b {
		p.write(b[i : i+1])
		if i < 16 || i%64 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

// failed explains a read error: what was expected, and what came instead.
func (p *peer) failed(expected string, err error) error {
	var v violationError
	switch {
	case errors.As(err, &v):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = errors.New("nothing in time")
	case errors.Is(err, io.EOF):
		err = errors.New("the end of the connection")
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the end of the connection inside a frame or response")
	case errors.Is(err, syscall.ECONNRESET):
		err = errors.New("a connection reset")
	}
	if p.sendErr != nil {
		return fmt.Errorf("expected %s, got %w (and writing failed: %v)", expected, err, p.sendErr)
	}
	return fmt.Errorf("expected %s, got %w", expected, err)
}

// frame reads the next frame, answering the server's own pings and passing over
// its pongs if the case does not ask for pongs.
func (p *peer) frame(within time.Duration, pongs bool) (frame, error) {
	p.conn.SetReadDeadline(time.Now().Add(within))
	for {
		f, err := readFrame(p.r)
		switch {
		case err != nil:
			return f, err
		case f.op == opPing:
			p.send(pong(string(f.payload)))
		case f.op == opPong && !pongs:
		default:
			return f, nil
		}
	}
}

// message reads one message, fragments joined: a server may split its echo.
func (p *peer) message(within time.Duration) (opcode, []byte, error) {
	f, err := p.frame(within, false)
	if err != nil {
		return 0, nil, err
	}
	if f.op == opClose {
		return 0, nil, closedError{f}
	}
	if f.op == opContinuation {
		return 0, nil, violation("RFC 6455 5.4: the server sent a continuation frame without a start")
	}
	op, whole := f.op, f.payload
	for f.notFinal {
		if f, err = p.frame(within, false); err != nil {
			return 0, nil, unfinished(err)
		}
		if f.op == opClose {
			return 0, nil, closedError{f}
		}
		if f.op != opContinuation {
			return 0, nil, violation("RFC 6455 5.4: the server sent a %v frame inside a fragmented message", f.op)
		}
		whole = append(whole, f.payload...)
	}
	return op, whole, nil
}

// wantEcho expects the next message to be this one.
func (p *peer) wantEcho(op opcode, payload []byte) error {
	return p.wantEchoWithin(patience, op, payload)
}

func (p *peer) wantEchoWithin(within time.Duration, op opcode, payload []byte) error {
	expected := func() string { return fmt.Sprintf("a %v message of %d B %s", op, len(payload), excerpt(payload)) }
	gotOp, got, err := p.message(within)
	if err != nil {
		return p.failed(expected(), err)
	}
	if gotOp != op {
		return fmt.Errorf("expected %s, got a %v message of %d B %s", expected(), gotOp, len(got), excerpt(got))
	}
	if !bytes.Equal(got, payload) {
		at := 0
		for at < len(got) && at < len(payload) && got[at] == payload[at] {
			at++
		}
		return fmt.Errorf("expected %s, got %d B %s, which differ at byte %d", expected(), len(got), excerpt(got), at)
	}
	return nil
}

// wantText expects text messages in this order.
func (p *peer) wantText(texts ...string) error {
	for _, s := range texts {
		if err := p.wantEcho(opText, []byte(s)); err != nil {
			return err
		}
	}
	return nil
}

// wantPong expects the next frame to be a pong with this payload.
func (p *peer) wantPong(payload string) error {
	expected := fmt.Sprintf("a pong of %d B %s", len(payload), excerpt([]byte(payload)))
	f, err := p.frame(patience, true)
	if err != nil {
		return p.failed(expected, err)
	}
	if f.op != opPong || string(f.payload) != payload {
		return fmt.Errorf("expected %s, got %v", expected, f)
	}
	return nil
}

// wantAlive sends a message that was not sent before and expects its echo: the
// server has taken what came before, is in step, and has said nothing else.
func (p *peer) wantAlive(word string) error {
	p.send(text(word))
	return p.wantText(word)
}

// noCode stands for a close frame with an empty payload.
const noCode = 1005

// wantClose expects the next frame to be a close frame with one of the codes,
// and then, once it is answered, the end of the connection.
func (p *peer) wantClose(codes ...int) error {
	if err := p.wantCloseFrame(codes...); err != nil {
		return err
	}
	p.send(closing(nil))
	return p.wantEnd()
}

// wantCloseFrame is wantClose without the answer.
func (p *peer) wantCloseFrame(codes ...int) error {
	f, err := p.frame(patience, false)
	if err != nil {
		return p.failed(closeNames(codes), err)
	}
	return checkClose(f, codes)
}

// checkClose holds a frame against the close codes that are right here.
func checkClose(f frame, codes []int) error {
	got := noCode
	switch {
	case f.op != opClose || len(f.payload) == 1:
		return fmt.Errorf("expected %s, got %v", closeNames(codes), f)
	case len(f.payload) >= 2:
		if got = int(binary.BigEndian.Uint16(f.payload)); got == noCode {
			return violation("RFC 6455 7.4.1: the server sent close 1005, which is never on the wire")
		}
		if !utf8.Valid(f.payload[2:]) {
			return violation("RFC 6455 5.5.1: the reason in the server's close frame is not UTF-8")
		}
	}
	if !slices.Contains(codes, got) {
		return fmt.Errorf("expected %s, got %v", closeNames(codes), f)
	}
	return nil
}

func closeNames(codes []int) string {
	var names []string
	for _, c := range codes {
		if c == noCode {
			names = append(names, "a close frame without a code")
		} else {
			names = append(names, fmt.Sprintf("close %d", c))
		}
	}
	return strings.Join(names, " or ")
}

// A closedError tells that a close frame came where a message was awaited.
type closedError struct{ frame frame }

func (e closedError) Error() string { return e.frame.String() }

// wantEnd expects the server to end the TCP connection without another word.
func (p *peer) wantEnd() error { return p.wantEndWithin(patience) }

func (p *peer) wantEndWithin(d time.Duration) error {
	p.conn.SetReadDeadline(time.Now().Add(d))
	const expected = "the server to end the connection"
	if _, err := p.r.Peek(1); ended(err) {
		return nil
	} else if err != nil {
		return p.failed(expected, err)
	}
	f, err := readFrame(p.r)
	if err != nil {
		return p.failed(expected, err)
	}
	return fmt.Errorf("expected %s, got %v", expected, f)
}

// ended reports whether an error of reading a first byte is the end of the
// connection: orderly, by reset, or without the farewell of TLS.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// talk makes a case of a conversation over one upgraded connection.
func talk(conversation func(p *peer) error) func(context.Context, *Target) error {
	return func(ctx context.Context, t *Target) error {
		p, err := t.upgrade(ctx)
		if err != nil {
			return err
		}
		defer p.close()
		return conversation(p)
	}
}
