package gobwas

import (
	"crypto/tls"
	"io"

	"signalbench/server/bufpool"
	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/upgrade"
)

// headBytes is what most requests and all responses fit into.
const headBytes = 1 << 10

// handshake runs an opening handshake and hands over to the goroutine that
// serves the connection. Its own goroutine ends with it: parsing a request needs
// more stack than serving messages, and a stack that has grown stays.
func (s *server) handshake(nc *conns.Conn) {
	c := &conn{server: s, nc: nc}
	if s.cfg.TLS != nil {
		c.tls = tls.Server(nc, s.cfg.TLS)
	}
	in := bufpool.Get(headBytes)
	in, end, err := readHead(c.stream(), in)
	if err != nil {
		bufpool.Put(in)
		_ = c.stream().Close()
		nc.Leave()
		return
	}
	out := bufpool.Get(headBytes)
	var r *engine.Request
	out.B, r, err = s.answer(out.B, in.B[:end], nc)
	if _, failed := c.stream().Write(out.B); failed != nil && err == nil {
		err = failed
	}
	bufpool.Put(out)
	if err != nil {
		bufpool.Put(in)
		nc.Refused(err)
		c.linger()
		_ = c.stream().Close()
		nc.Leave()
		return
	}
	nc.Upgraded(c)
	err = c.begin(r, in.B[end:])
	bufpool.Put(in)
	if err != nil {
		c.end(err)
		return
	}
	go c.serve()
}

// readHead reads a request into b, or into the larger buffer that it returns,
// and says where the request ends: at 0 if it is larger than is allowed.
func readHead(r io.Reader, b *bufpool.Buffer) (_ *bufpool.Buffer, end int, err error) {
	for len(b.B) < upgrade.MaxRequest {
		if len(b.B) == cap(b.B) {
			b = bufpool.Grow(b)
		}
		n, err := r.Read(b.B[len(b.B):cap(b.B)])
		b.B = b.B[:len(b.B)+n]
		if end := upgrade.End(b.B); end > 0 {
			return b, end, nil
		}
		if err != nil {
			return b, 0, err
		}
	}
	return b, 0, nil
}

// answer appends the response to a request to out; an empty request stands for
// one that is too large. The error is one of package upgrade.
func (s *server) answer(out, request []byte, nc *conns.Conn) ([]byte, *engine.Request, error) {
	switch {
	case nc.Surplus():
		return upgrade.AppendRefusal(out, conns.OverLimit), nil, conns.OverLimit
	case len(request) == 0:
		return upgrade.AppendRefusal(out, upgrade.TooLarge), nil, upgrade.TooLarge
	}
	response, r, err := upgrade.Do(out, request, nc.RemoteAddr(), s.cfg, s.handler)
	if err != nil {
		return response, nil, err
	}
	if err := nc.Upgrading(); err != nil {
		return upgrade.AppendRefusal(out, err), nil, err
	}
	return response, r, nil
}

// begin opens the connection for the handler and delivers what came glued to
// the request.
func (c *conn) begin(r *engine.Request, behind []byte) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = c.panicked(v)
		}
	}()
	c.server.handler.Open(c, r)
	return c.feed(behind)
}
