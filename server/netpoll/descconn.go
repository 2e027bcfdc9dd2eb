package netpoll

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/mailru/easygo/netpoll"

	"signalbench/server/bufpool"
	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/frame"
	"signalbench/server/upgrade"
)

// descReadBytes is how much a worker reads at once.
const descReadBytes = 4 << 10

// A descConn is one connection of the lesson. Between Resume and the event it
// belongs to the poller, else to one worker.
type descConn struct {
	server *descServer
	nc     *conns.Conn
	twin   *twin // below nc
	desc   *netpoll.Desc
	parser frame.Parser

	mu     sync.Mutex         // one frame is written at a time
	slow   bool               // a write did not end in time
	closed bool               // a close frame has been sent, or cannot be
	cause  *engine.CloseError // of that close frame, unless it answered the peer's
	state  any

	behind   []byte // the handshake, and not read yet
	answered bool   // the peer's close frame has come

	turn  sync.Mutex // held by the worker that has the connection
	ended bool       // under turn
}

var _ engine.Conn = (*descConn)(nil)

// handshake runs on a worker, which a slow peer holds until HandshakeTimeout.
func (c *descConn) handshake() {
	in, end, err := c.readHead()
	defer func() { bufpool.Put(in) }()
	if err != nil {
		c.refused()
		return
	}
	out := bufpool.Get(descReadBytes)
	defer bufpool.Put(out)
	var r *engine.Request
	switch {
	case c.nc.Surplus():
		err = conns.OverLimit
	case end == 0:
		err = upgrade.TooLarge
	default:
		if out.B, r, err = upgrade.Do(out.B, in.B[:end], c.nc.RemoteAddr(), c.server.cfg, c.server.handler); err == nil {
			err = c.nc.Upgrading()
		}
	}
	if err != nil {
		_ = c.write(upgrade.AppendRefusal(out.B[:0], err))
		c.nc.Refused(err)
		c.nc.Linger()
		c.refused()
		return
	}
	if c.write(out.B) != nil {
		c.refused()
		return
	}
	c.nc.Upgraded(c)
	c.begin(r, in.B[end:])
}

// refused ends a connection that was not upgraded.
func (c *descConn) refused() {
	_ = c.nc.Close()
	c.nc.Leave()
}

// readHead reads a request and says where it ends: at 0 if it is too large.
func (c *descConn) readHead() (b *bufpool.Buffer, end int, err error) {
	var piece [1 << 10]byte
	b = bufpool.Get(len(piece))
	for len(b.B) < upgrade.MaxRequest {
		n, err := c.nc.Read(piece[:])
		b = bufpool.Append(b, piece[:n])
		if end := upgrade.End(b.B); end > 0 {
			return b, end, nil
		}
		if err != nil {
			return b, 0, err
		}
	}
	return b, 0, nil
}

// begin opens the connection for the handler, delivers what came glued to the
// request, and hands the connection to the poller.
func (c *descConn) begin(r *engine.Request, behind []byte) {
	// Start touches the descriptor once more after it has armed it, so the first
	// event waits for its end.
	c.turn.Lock()
	defer c.turn.Unlock()
	defer c.survive()
	c.server.handler.Open(c, r)
	var err error
	for c.behind = behind; len(c.behind) > 0 && err == nil; {
		err = c.readMessage()
	}
	c.behind = nil
	if err == nil {
		c.desc, err = c.twin.split()
	}
	if err == nil {
		work := c.receive // bound once
		err = c.server.poller.Start(c.desc, func(netpoll.Event) { c.server.tasks <- work })
	}
	if err != nil {
		c.end(err)
	}
}

// receive runs on a worker after an event.
func (c *descConn) receive() {
	c.turn.Lock()
	defer c.turn.Unlock()
	if c.ended {
		return // Start failed after it had armed
	}
	defer c.survive()
	err := c.readMessage()
	if err == nil {
		err = c.server.poller.Resume(c.desc)
	}
	if err != nil {
		c.end(err)
	}
}

// end brings the connection to an end that began with err.
func (c *descConn) end(err error) {
	c.ended = true
	c.parser.Release()
	cause := c.goodbye(err)
	if c.desc != nil {
		_ = c.server.poller.Stop(c.desc)
	}
	_ = c.nc.Close()
	c.twin.release()
	func() {
		defer func() {
			if v := recover(); v != nil {
				panicked(c.server.cfg, v)
			}
		}()
		c.server.handler.Closed(c, cause)
	}()
	c.nc.Leave()
}

// goodbye sends the close frame that err asks for and returns the cause that the
// handler is told.
func (c *descConn) goodbye(err error) error {
	if c.answered {
		return c.own(nil)
	}
	if fail, ok := errors.AsType[*engine.CloseError](err); ok {
		return c.fail(fail)
	}
	if c.late() {
		return engine.ErrSlow
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return c.own(err)
	}
	if c.nc.Closing() {
		c.nc.Cut()
		return c.own(err)
	}
	c.server.cfg.Stats.TimedOut.Add(1)
	return c.fail(silent)
}

// fail fails the connection (RFC 6455 section 7.1.7).
func (c *descConn) fail(e *engine.CloseError) error {
	_ = c.sendClose(e.Code, e.Reason, e)
	c.nc.Linger()
	return c.own(e)
}

// own returns the cause that this side gave with its close frame, or else err.
func (c *descConn) own(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return c.cause
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// survive is deferred around the handler's calls.
func (c *descConn) survive() {
	if v := recover(); v != nil {
		panicked(c.server.cfg, v)
		c.end(internal)
	}
}

// Send implements [engine.Conn], but for the promise never to block.
func (c *descConn) Send(op engine.Opcode, p []byte) error {
	b := bufpool.Get(frame.MaxHeaderLen + len(p))
	defer bufpool.Put(b)
	b.B = frame.AppendFrame(b.B, op, p)
	return c.send(b.B)
}

// SendPrepared implements [engine.Conn], but for the promise never to block. The
// message's own policy is of no effect: nothing is known of a peer that does not
// read before half a frame is written to it.
func (c *descConn) SendPrepared(m *engine.Prepared) error { return c.send(m.Frame) }

// send writes a whole frame.
func (c *descConn) send(p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return engine.ErrClosed
	}
	switch err := c.write(p); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.closed, c.slow = true, true
		c.server.cfg.Stats.Evicted.Add(1)
		c.nc.Cut()
		return engine.ErrSlow
	case err != nil:
		return engine.ErrClosed
	}
	return nil
}

// write waits until the peer has taken p: there is no outbox. The deadline holds
// as long as the socket is non-blocking, which is until the first Resume.
func (c *descConn) write(p []byte) error {
	_ = c.twin.SetWriteDeadline(time.Now().Add(c.server.cfg.WriteTimeout))
	_, err := c.twin.Write(p)
	return err
}

// late reports whether a write did not end in time.
func (c *descConn) late() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slow
}

// Close implements [engine.Conn].
func (c *descConn) Close(code engine.CloseCode, reason string) error {
	return c.sendClose(code, reason, &engine.CloseError{Code: code, Reason: reason})
}

// Drain implements [conns.Owner]. Writing may block, so it is not waited for.
func (c *descConn) Drain() {
	c.server.farewell.Go(func() { _ = c.Close(goingAway.Code, goingAway.Reason) })
}

func (c *descConn) sendClose(code engine.CloseCode, reason string, cause *engine.CloseError) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return engine.ErrClosed
	}
	c.closed, c.cause = true, cause
	c.nc.StartClosing()
	if c.write(frame.AppendClose(nil, code, reason)) != nil {
		return engine.ErrClosed
	}
	return nil
}

// SetState implements [engine.Conn].
func (c *descConn) SetState(v any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = v
}

// State implements [engine.Conn].
func (c *descConn) State() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// RemoteAddr implements [engine.Conn].
func (c *descConn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// A descSink is a descConn as its parser sees it.
type descSink descConn

// Message implements [frame.Sink].
func (s *descSink) Message(op engine.Opcode, p []byte) {
	s.nc.Touch()
	if !s.nc.Closing() {
		s.server.handler.Message((*descConn)(s), op, p)
	}
}

// Ping implements [frame.Sink].
func (s *descSink) Ping(p []byte) {
	s.nc.Touch()
	_ = (*descConn)(s).Send(frame.OpPong, p)
}

// Pong implements [frame.Sink].
func (s *descSink) Pong([]byte) { s.nc.Touch() }

// Close implements [frame.Sink].
func (s *descSink) Close(code engine.CloseCode, _ []byte) {
	s.answered = true
	_ = (*descConn)(s).sendClose(code, "", nil)
}

// Home implements [engine.Conn].
func (c *descConn) Home() engine.Home { return nil }
