package echo_test

import (
	"errors"
	"testing"

	"signalbench/server/echo"
	"signalbench/server/engine"
)

// conn records what was sent.
type conn struct {
	engine.Conn
	op engine.Opcode
	p  string
}

func (c *conn) Send(op engine.Opcode, p []byte) error {
	c.op, c.p = op, string(p)
	return engine.ErrSlow
}

func TestMessageComesBackWithItsOpcode(t *testing.T) {
	t.Parallel()
	for _, op := range []engine.Opcode{engine.OpText, engine.OpBinary} {
		var c conn
		echo.Handler{}.Message(&c, op, []byte("salut"))
		if c.op != op || c.p != "salut" {
			t.Errorf("sent opcode %v, %q", c.op, c.p)
		}
	}
}

func TestOnlyOnePathIsServed(t *testing.T) {
	t.Parallel()
	for path, ok := range map[string]bool{"/echo": true, "/": false, "": false, "/echo/": false, "/Echo": false} {
		err := echo.Handler{}.Accept(&engine.Request{Path: path})
		if refusal, _ := errors.AsType[*engine.Refusal](err); (err == nil) != ok || !ok && refusal.Status != 404 {
			t.Errorf("path %q: %v", path, err)
		}
	}
}
