package coder

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"unicode/utf8"

	"github.com/coder/websocket"

	"signalbench/server/engine"
)

// serve reads until the connection ends.
func (c *conn) serve(r *engine.Request) {
	err := c.Open(c, r)
	for err == nil {
		var op websocket.MessageType
		var p []byte
		if op, p, err = c.ws.Read(context.Background()); err != nil {
			err = meaning(err)
			break
		}
		if op == websocket.MessageText && !utf8.Valid(p) {
			err = &engine.CloseError{Code: engine.CloseInvalidPayload, Reason: "text is not UTF-8"}
			break
		}
		err = c.Message(c, engine.Opcode(op), p)
	}
	c.end(err)
}

// meaning returns what an error of the library's Read stands for, in the terms of
// [signalbench/server/conns.Life.Finish]. Errors of the protocol have no type; they
// are what is left.
func meaning(err error) error {
	if websocket.CloseStatus(err) != -1 {
		return nil
	}
	if errors.Is(err, websocket.ErrMessageTooBig) {
		return &engine.CloseError{Code: engine.CloseTooBig, Reason: "message too big"}
	}
	_, isNet := errors.AsType[net.Error](err)
	if isNet || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return err
	}
	return &engine.CloseError{Code: engine.CloseProtocolError, Reason: cause(err)}
}

// cause is the innermost error, without the library's account of where it came from.
func cause(err error) string {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err.Error()
}

// end brings the connection to an end that began with err, tells the handler and lets
// everything go.
func (c *conn) end(err error) {
	why := c.Finish(err, c.fail)
	_ = c.stream.Close()
	_ = c.ws.CloseNow()
	c.letGo()
	c.End(c, why)
}

// fail fails the connection (RFC 6455 section 7.1.7). The library has a close frame
// sent by its closing handshake alone, which must not wait for this peer: so it finds
// the stream at its end.
func (c *conn) fail(why *engine.CloseError) {
	c.failing.Store(true)
	if c.StartClosing(why, func() error { return nil }) == nil {
		c.shakeHands(why.Code, why.Reason)
	} else {
		c.letGo() // somebody else's goodbye is under way
	}
	if t, ok := c.stream.(*tls.Conn); ok {
		_ = t.CloseWrite()
	}
	c.Socket.Linger()
}

// letGo waits for the goroutine that Close may have started. It comes when no further
// one can start.
func (c *conn) letGo() {
	if c.goodbye != nil {
		<-c.goodbye
	}
}
