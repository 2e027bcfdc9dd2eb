package enginetest

import (
	"net/http"

	"signalbench/server/engine"
)

// echo is the kit's own handler: it sends each message back and serves one path.
type echo struct{}

func (echo) Accept(r *engine.Request) error {
	if r.Path != "/echo" {
		return &engine.Refusal{Status: http.StatusNotFound, Reason: "nothing here"}
	}
	return nil
}

func (echo) Open(engine.Conn, *engine.Request)                 {}
func (echo) Message(c engine.Conn, op engine.Opcode, p []byte) { _ = c.Send(op, p) }
func (echo) Closed(engine.Conn, error)                         {}

// hooks is a handler made of functions. What is nil is echo's.
type hooks struct {
	accept  func(*engine.Request) error
	open    func(engine.Conn, *engine.Request)
	message func(engine.Conn, engine.Opcode, []byte)
	closed  func(engine.Conn, error)
}

func (h hooks) Accept(r *engine.Request) error {
	if h.accept == nil {
		return echo{}.Accept(r)
	}
	return h.accept(r)
}

func (h hooks) Open(c engine.Conn, r *engine.Request) {
	if h.open != nil {
		h.open(c, r)
	}
}

func (h hooks) Message(c engine.Conn, op engine.Opcode, p []byte) {
	if h.message == nil {
		echo{}.Message(c, op, p)
		return
	}
	h.message(c, op, p)
}

func (h hooks) Closed(c engine.Conn, cause error) {
	if h.closed != nil {
		h.closed(c, cause)
	}
}
