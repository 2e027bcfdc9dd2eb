package service

import (
	"errors"
	"sync"

	"signalbench/server/engine"
	"signalbench/server/gate"
)

// A guarded is a connection that the gate let in, as its handler sees it: with a
// state of the handler's own.
type guarded struct {
	engine.Conn
	admission *gate.Admission
	handler   engine.Handler // nil for one that was turned away after all

	mu    sync.Mutex
	state any
}

// SetState implements [engine.Conn].
func (g *guarded) SetState(v any) {
	g.mu.Lock()
	g.state = v
	g.mu.Unlock()
}

// State implements [engine.Conn].
func (g *guarded) State() any {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state
}

// message hands a message on if it is within the rate of its address. The rooms
// see to that themselves: they can say so without ending the connection.
func (g *guarded) message(rooms engine.Handler, op engine.Opcode, p []byte) {
	switch {
	case g.handler == nil:
	case g.handler == rooms || g.admission.Allow():
		g.handler.Message(g, op, p)
	default:
		_ = g.Close(engine.ClosePolicyViolation, "too many messages of your address in a short time") // it may have ended
	}
}

// turnAway closes a connection that its handler never sees.
func (g *guarded) turnAway(err error) {
	g.handler = nil
	code, reason := engine.CloseInternal, ""
	if e, ok := errors.AsType[*engine.CloseError](err); ok {
		code, reason = e.Code, e.Reason
	}
	_ = g.Close(code, reason) // it may have ended
}
