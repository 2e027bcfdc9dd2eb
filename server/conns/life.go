package conns

import (
	"errors"
	"net"
	"runtime/debug"
	"sync"

	"signalbench/server/engine"
)

// A Life is what an engine on top of a library keeps of a connection from Open to
// Closed, whatever the library: whether it may still send, why it ends, the
// handler's value. An engine's connection embeds it and has most of [engine.Conn]
// from it. All methods but those of the serving goroutine, which say so, are safe for
// concurrent use.
type Life struct {
	Socket  *Conn
	cfg     *engine.Config
	handler engine.Handler

	mu     sync.Mutex         // held from Admit to the write, which keeps the outbox's bound
	cause  *engine.CloseError // of this side's close frame, unless it answered the peer's
	state  any
	closed bool // a close frame has been sent
}

// NewLife returns the life of a connection over c that h hears of.
func NewLife(c *Conn, cfg *engine.Config, h engine.Handler) Life {
	return Life{Socket: c, cfg: cfg, handler: h}
}

// Send has write write one more message if the outbox lets it, as Send of
// [engine.Conn] says. Writes of one connection do not overlap. An empty policy is
// the Config's.
func (l *Life) Send(policy engine.SlowPolicy, write func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return engine.ErrClosed
	}
	if err := l.Socket.Admit(policy); err != nil {
		return err
	}
	if write() != nil {
		return engine.ErrClosed
	}
	return nil
}

// StartClosing makes cause that of the end and write this side's only close frame,
// unless there has been one; then it returns [engine.ErrClosed]. The peer has
// Config.WriteTimeout from now on.
func (l *Life) StartClosing(cause *engine.CloseError, write func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return engine.ErrClosed
	}
	l.closed, l.cause = true, cause
	l.Socket.StartClosing()
	if write() != nil {
		return engine.ErrClosed
	}
	return nil
}

// Home implements [engine.Conn]: every goroutine can write.
func (l *Life) Home() engine.Home { return nil }

// SetState implements [engine.Conn].
func (l *Life) SetState(v any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = v
}

// State implements [engine.Conn].
func (l *Life) State() any {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// RemoteAddr implements [engine.Conn].
func (l *Life) RemoteAddr() net.Addr { return l.Socket.RemoteAddr() }

// Open tells the handler that there is a connection c. A panic of the handler is
// returned as the error with which the connection ends. Of the serving goroutine.
func (l *Life) Open(c engine.Conn, r *engine.Request) (err error) {
	defer l.Rescue(&err)
	l.handler.Open(c, r)
	return nil
}

// Message delivers a message, unless this side is closing: what comes then is read,
// since the peer's close frame comes behind, and dropped. A panic of the handler is
// returned as the error with which the connection ends. Of the serving goroutine.
func (l *Life) Message(c engine.Conn, op engine.Opcode, p []byte) (err error) {
	defer l.Rescue(&err)
	if !l.Socket.Closing() {
		l.handler.Message(c, op, p)
	}
	l.Socket.Touch()
	return nil
}

// Rescue, deferred around calls of the handler, makes a panic the error with which the
// connection ends. Of the serving goroutine.
func (l *Life) Rescue(err *error) {
	if v := recover(); v != nil {
		*err = l.panicked(v)
	}
}

// panicked logs what a handler panicked with: it ends this connection alone.
func (l *Life) panicked(v any) error {
	l.cfg.Log.Error("handler panicked", "panic", v, "stack", string(debug.Stack()))
	return &engine.CloseError{Code: engine.CloseInternal, Reason: "internal error"}
}

// Finish says goodbye as err demands, with which reading has ended, and returns the
// cause that the handler is to be told; nothing can be sent from then on. err is nil
// after the peer's close frame, an [*engine.CloseError] where this side is to say what
// was wrong, and else the socket's own error. fail sends that close frame, unless there
// has been one, and lets it arrive. Of the serving goroutine.
func (l *Life) Finish(err error, fail func(*engine.CloseError)) error {
	slow := l.Socket.Err()
	why, broken := errors.AsType[*engine.CloseError](err)
	timeout, _ := errors.AsType[net.Error](err)
	switch {
	case err == nil:
	case broken:
		fail(why)
	case errors.Is(slow, engine.ErrSlow):
		err = slow
	case timeout == nil || !timeout.Timeout():
	case l.Socket.Closing():
		l.Socket.Cut() // the peer has not answered the close frame
	default:
		why = l.TimedOut()
		err = why
		fail(why)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.cause != nil && !errors.Is(slow, engine.ErrSlow) {
		return l.cause
	}
	return err
}

// TimedOut counts that the peer was silent for too long and returns what it is to be
// told. [Life.Finish] does that for an engine whose library does not say something
// else first.
func (l *Life) TimedOut() *engine.CloseError {
	l.cfg.Stats.TimedOut.Add(1)
	return &engine.CloseError{Code: engine.ClosePolicyViolation, Reason: "silent for too long"}
}

// End tells the handler of the end, and is the socket's. It comes behind Close. Of the
// serving goroutine.
func (l *Life) End(c engine.Conn, cause error) {
	l.tell(c, cause)
	l.Socket.Leave()
}

func (l *Life) tell(c engine.Conn, cause error) {
	defer func() {
		if v := recover(); v != nil {
			_ = l.panicked(v)
		}
	}()
	l.handler.Closed(c, cause)
}
