// Package echo is the handler that the engines are compared with: it returns
// every message on /echo and knows nothing else, so what is measured is the
// engine.
package echo

import (
	"net/http"

	"signalbench/server/engine"
)

// Path is where the handler answers.
const Path = "/echo"

// Handler returns every message with its opcode. It keeps nothing for a
// connection. The zero value is ready.
type Handler struct{}

var _ engine.Handler = Handler{}

// Accept refuses every path but [Path] with 404.
func (Handler) Accept(r *engine.Request) error {
	if r.Path != Path {
		return &engine.Refusal{Status: http.StatusNotFound, Reason: "nothing here but " + Path}
	}
	return nil
}

// Open does nothing.
func (Handler) Open(engine.Conn, *engine.Request) {}

// Message sends p back. A peer that does not read its own echo is dealt with by
// the engine's policy for slow consumers, and one that is gone needs no echo, so
// there is no error to act on.
func (Handler) Message(c engine.Conn, op engine.Opcode, p []byte) { _ = c.Send(op, p) }

// Closed does nothing.
func (Handler) Closed(engine.Conn, error) {}
