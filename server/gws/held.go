package gws

import (
	"bufio"
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

// A held is a connection that stays open when the library has done with it.
type held struct {
	net.Conn
	conn *conn
}

// Read tells the connection of an error before the library hears of it: it would send
// a close frame of its own.
func (h held) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	if err != nil {
		h.conn.broken(err)
	}
	return n, err
}

// Close does nothing.
func (held) Close() error { return nil }
