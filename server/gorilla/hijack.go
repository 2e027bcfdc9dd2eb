package gorilla

import (
	"bufio"
	"net"
	"net/http"
)

// A hijacker hands a connection over together with what the client sent behind
// its request. The library refuses a client that did not wait for the 101, and
// so would lose a frame that RFC 6455 lets come in the same segment.
type hijacker struct {
	http.ResponseWriter
	done bool // the connection is no longer net/http's
}

// Hijack implements [http.Hijacker].
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.done = true
	if n := rw.Reader.Buffered(); n > 0 {
		ahead := make([]byte, n)
		_, _ = rw.Reader.Read(ahead) // takes what is buffered and does not touch the socket
		nc = &glued{Conn: nc, ahead: ahead}
		rw.Reader.Reset(nc)
	}
	return nc, rw, nil
}

// A glued is a connection some bytes of which have been read already.
type glued struct {
	net.Conn
	ahead []byte
}

func (g *glued) Read(p []byte) (int, error) {
	if len(g.ahead) == 0 {
		return g.Conn.Read(p)
	}
	n := copy(p, g.ahead)
	if g.ahead = g.ahead[n:]; len(g.ahead) == 0 {
		g.ahead = nil
	}
	return n, nil
}
