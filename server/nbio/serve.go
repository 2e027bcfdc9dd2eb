package nbio

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"unicode/utf8"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"signalbench/server/engine"
	"signalbench/server/upgrade"
)

// of returns our connection under one of the library's, nil before the upgrade is done.
// It is for what the library calls behind the upgrade, see [server.at] for others.
func of(ws *websocket.Conn) *conn {
	c, _ := ws.Session().(*conn)
	return c
}

// data hands what was read to the library, on the loop's goroutine. The library closes
// the socket where it finds an error; the peer is to be told which.
func (s *server) data(nbc *nbio.Conn, p []byte) {
	switch parser := nbc.Session().(type) {
	case *websocket.Conn:
		s.frames(nbc, parser, p)
	case nbhttp.ParserCloser:
		s.request(nbc, parser, p)
	}
}

// frames has the library parse frames.
func (s *server) frames(nbc *nbio.Conn, ws *websocket.Conn, p []byte) {
	c := s.at(nbc)
	if c != nil && c.deaf.Load() {
		return
	}
	err := s.parse(ws, p)
	if err == nil {
		return
	}
	if c != nil {
		c.deaf.Store(true)
	}
	nbc.Execute(func() { // behind the upgrade, which may not be over, and the messages that came before
		if c := of(ws); c != nil {
			c.fail(meaning(err))
		} else {
			onSocket(nbc, hangUp)
		}
	})
}

// request has the library parse requests, of which it limits the fields alone.
func (s *server) request(nbc *nbio.Conn, parser nbhttp.ParserCloser, p []byte) {
	heard, short := s.reads(nbc, len(p))
	if !heard {
		return
	}
	err := error(nbhttp.ErrTooLong)
	if short {
		err = s.parse(parser, p)
	}
	switch {
	case err == nil:
	case nbc.ExecuteLen() > 0: // there was a request, and its answer is under way
		_ = nbc.CloseWithError(err)
	default:
		s.refuse(nbc, badRequest(err))
	}
}

// refuse answers a handshake with the HTTP error that err asks for. What the peer still
// sends is read, or the response might not arrive, until it closes or its time is over.
func (s *server) refuse(nbc *nbio.Conn, err error) {
	s.ignore(nbc)
	_, _ = nbc.Write(upgrade.AppendRefusal(nil, err))
	onSocket(nbc, endSending)
}

// parse is the library's Parse. A panic in it is an error: it adds up lengths without
// looking.
func (s *server) parse(parser nbhttp.ParserCloser, p []byte) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.cfg.Log.Debug("nbio panicked", "panic", v, "stack", string(debug.Stack()))
			err = websocket.ErrMessageTooLarge
		}
	}()
	return parser.Parse(p)
}

// badRequest is how the HTTP parser's error is answered.
func badRequest(err error) *upgrade.BadRequest {
	if errors.Is(err, nbhttp.ErrTooLong) {
		return upgrade.TooLarge
	}
	return &upgrade.BadRequest{Status: http.StatusBadRequest, Reason: "bad request"}
}

// meaning returns what an error of the library's Parse stands for.
func meaning(err error) *engine.CloseError {
	if errors.Is(err, websocket.ErrMessageTooLarge) {
		return &engine.CloseError{Code: engine.CloseTooBig, Reason: "message too big"}
	}
	return &engine.CloseError{Code: engine.CloseProtocolError, Reason: err.Error()}
}

// fail fails the connection (RFC 6455 section 7.1.7).
func (c *conn) fail(why *engine.CloseError) {
	c.deaf.Store(true)
	_ = c.sendClose(why)
	c.finish(lingers)
}

// tellOpen tells the handler of the connection.
func (c *conn) tellOpen(r *engine.Request) {
	defer c.rescue()
	c.server.handler.Open(c, r)
}

// message delivers a message. What comes once this side closes is passed over.
func message(ws *websocket.Conn, op websocket.MessageType, p []byte) {
	c := of(ws)
	defer c.heard()
	if op == websocket.TextMessage && !utf8.Valid(p) {
		c.fail(&engine.CloseError{Code: engine.CloseInvalidPayload, Reason: "text is not UTF-8"})
		return
	}
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if !closed {
		defer c.rescue()
		c.server.handler.Message(c, engine.Opcode(op), p)
	}
}

// ping answers. A pong is bounded like a message: else a peer that sends pings and
// reads nothing would fill the memory.
func ping(ws *websocket.Conn, payload string) {
	c := of(ws)
	defer c.heard()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.admit("") == nil {
		_ = ws.WriteMessage(websocket.PongMessage, []byte(payload))
	}
}

// closing answers the peer's close frame with its own code (RFC 6455 section 5.5.1),
// unless it is itself an answer. The library closes behind it.
func closing(ws *websocket.Conn, code int, reason string) {
	c := of(ws)
	if !utf8.ValidString(reason) {
		c.fail(&engine.CloseError{Code: engine.CloseInvalidPayload, Reason: "reason is not UTF-8"})
		return
	}
	c.deaf.Store(true)
	c.answer(code)
}

// closed tells the handler of the end and lets everything go.
func closed(ws *websocket.Conn, err error) {
	c := of(ws)
	if c == nil {
		return // its handshake was never over
	}
	cause := c.over(err)
	c.tell(cause)
	stats := c.server.cfg.Stats
	stats.Open.Add(-1)
	stats.Closed.Add(1)
	c.server.exit(c)
}

// over stops what could still happen to the connection and returns why it has ended.
func (c *conn) over(err error) error {
	_, reason := c.nbc.IsClosed()
	if cut := c.cutFor.Load(); cut != nil {
		reason = *cut
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	silent := errors.Is(reason, nbio.ErrReadTimeout) && !c.closed
	c.closed = true
	if c.deadline != nil {
		c.deadline.Stop()
	}
	if c.silence != nil {
		c.silence.Stop()
	}
	switch {
	case errors.Is(reason, engine.ErrSlow):
		return engine.ErrSlow
	case c.cause != nil:
		return c.cause
	case c.peerClosed:
		return nil
	case silent:
		c.server.cfg.Stats.TimedOut.Add(1)
	}
	return cmp.Or(reason, err, io.EOF)
}

// rescue fails the connection if the handler panicked: that ends this one alone.
func (c *conn) rescue() {
	if v := recover(); v != nil {
		c.panicked(v)
		c.fail(&engine.CloseError{Code: engine.CloseInternal, Reason: "internal error"})
	}
}

func (c *conn) panicked(v any) {
	c.server.cfg.Log.Error("handler panicked", "panic", v, "stack", string(debug.Stack()))
}

// tell makes the last call to the handler.
func (c *conn) tell(cause error) {
	defer func() {
		if v := recover(); v != nil {
			c.panicked(v)
		}
	}()
	c.server.handler.Closed(c, cause)
}
