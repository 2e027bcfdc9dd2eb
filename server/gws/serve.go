package gws

import (
	"crypto/tls"
	"errors"
	"net"
	"runtime/debug"
	"unicode/utf8"

	"github.com/lxzan/gws"

	"signalbench/server/engine"
)

// sessionKey is where a connection of the library keeps ours.
const sessionKey = "conn"

// events is what the library calls; all of it on the goroutine of a connection.
type events struct{}

func of(ws *gws.Conn) *conn {
	v, _ := ws.Session().Load(sessionKey)
	return v.(*conn)
}

// OnOpen tells the handler.
func (events) OnOpen(ws *gws.Conn) {
	c := of(ws)
	c.closeOver(c.Open(c, c.request))
	c.request = nil
}

// OnMessage delivers a message.
func (events) OnMessage(ws *gws.Conn, message *gws.Message) {
	defer message.Close()
	c := of(ws)
	c.closeOver(c.Message(c, engine.Opcode(message.Opcode), message.Bytes()))
}

// closeOver closes if the handler panicked; the loop goes on until the peer has
// answered.
func (c *conn) closeOver(panicked error) {
	if why, ok := errors.AsType[*engine.CloseError](panicked); ok {
		_ = c.close(why)
	}
}

// OnPing answers. A pong is bounded like a message: else a peer that sends pings and
// reads nothing would fill the memory.
func (events) OnPing(ws *gws.Conn, payload []byte) {
	c := of(ws)
	c.Socket.Touch()
	_ = c.Life.Send("", func() error { return ws.WritePong(payload) })
}

// OnPong tells that the peer is there.
func (events) OnPong(ws *gws.Conn, _ []byte) { of(ws).Socket.Touch() }

// OnClose keeps why the loop has ended. What ends it while this side closes, and is not
// the socket's, is the peer's close frame.
func (events) OnClose(ws *gws.Conn, err error) {
	c := of(ws)
	c.why = c.failed
	if c.failed == nil && !c.Socket.Closing() {
		c.why = meaning(err)
	}
}

// serve runs the connection.
func (c *conn) serve() {
	c.loop()
	cause := c.Finish(c.why, c.fail)
	_ = c.stream.Close()
	c.End(c, cause)
}

// loop is the library's. It panics where a frame announces a length with the highest
// bit set, which no frame may (RFC 6455 section 5.2).
func (c *conn) loop() {
	defer func() {
		if v := recover(); v != nil {
			c.log.Debug("gws panicked", "panic", v, "stack", string(debug.Stack()))
			c.why = &engine.CloseError{Code: engine.CloseProtocolError, Reason: "frame of an impossible length"}
		}
	}()
	c.ws.ReadLoop()
}

// broken keeps the socket's error, and says goodbye to a peer that was silent for too
// long before the library says another one.
func (c *conn) broken(err error) {
	c.failed = err
	timeout, ok := errors.AsType[net.Error](err)
	if ok && timeout.Timeout() && !c.Socket.Closing() {
		silent := c.TimedOut()
		c.failed = silent
		_ = c.close(silent)
	}
}

// meaning returns what an error stands for that the library ended with, in the terms
// of [signalbench/server/conns.Life.Finish]. The library has sent the close frame.
func meaning(err error) error {
	if closed, ok := errors.AsType[*gws.CloseError](err); ok {
		return meaningOfClose(closed)
	}
	code := engine.CloseProtocolError
	if own, ok := errors.AsType[interface {
		error
		Uint16() uint16
	}](err); ok {
		code = engine.CloseCode(own.Uint16())
	}
	if errors.Is(err, gws.ErrTextEncoding) {
		code = engine.CloseInvalidPayload
	}
	return &engine.CloseError{Code: code, Reason: err.Error()}
}

// meaningOfClose returns nil for a close frame that the library has answered, and with
// what it has refused another one.
func meaningOfClose(closed *gws.CloseError) error {
	switch {
	case closed.Code != 0 && !engine.CloseCode(closed.Code).Received():
		return &engine.CloseError{Code: engine.CloseProtocolError, Reason: "invalid close code"}
	case !utf8.Valid(closed.Reason):
		return &engine.CloseError{Code: engine.CloseInvalidPayload, Reason: "reason is not UTF-8"}
	}
	return nil
}

// fail fails the connection (RFC 6455 section 7.1.7).
func (c *conn) fail(why *engine.CloseError) {
	_ = c.close(why)
	if t, ok := c.stream.(*tls.Conn); ok {
		_ = t.CloseWrite()
	}
	c.Socket.Linger()
}
