package overhttp

import (
	"bufio"
	"net"
	"net/http"
)

// A Hijacker hands a connection over together with what the client sent behind
// its request. Some libraries refuse a client that did not wait for the 101 or lose
// what it sent, which RFC 6455 lets come in the same segment.
type Hijacker struct {
	http.ResponseWriter
	// Done tells that the connection is no longer net/http's.
	Done bool
}

// Hijack implements [http.Hijacker]. Nothing is buffered in what it returns.
func (h *Hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.Done = true
	if n := rw.Reader.Buffered(); n > 0 {
		ahead := make([]byte, n)
		_, _ = rw.Reader.Read(ahead) // takes what is buffered and does not touch the socket
		nc = &glued{Conn: nc, ahead: ahead}
		rw.Reader.Reset(nc)
	}
	return nc, rw, nil
}

// Underlying returns the connection that net/http had, under one that a [Hijacker]
// handed over.
func Underlying(nc net.Conn) net.Conn {
	if g, ok := nc.(*glued); ok {
		return g.Conn
	}
	return nc
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
