package coder

import (
	"bufio"
	"io"
	"net"

	"signalbench/server/overhttp"
)

// A holding hands over a connection that the library cannot close.
type holding struct {
	*overhttp.Hijacker
	conn *conn
}

// Hijack implements [net/http.Hijacker].
func (h holding) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := h.Hijacker.Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn.stream = overhttp.Underlying(nc)
	return held{nc, h.conn}, rw, nil
}

// A held is a connection that stays open when the library has done with it: what the
// library said last has to arrive before (RFC 6455 section 7.1.1), and the peer has
// Config.WriteTimeout to answer, not the library's five seconds.
type held struct {
	net.Conn
	conn *conn
}

// Read ends when the connection fails.
func (h held) Read(p []byte) (int, error) {
	if h.conn.failing.Load() {
		return 0, io.EOF
	}
	return h.Conn.Read(p)
}

// Close does nothing.
func (held) Close() error { return nil }
