package upgrade

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"

	"github.com/gobwas/ws"
	"golang.org/x/net/http/httpguts"

	"signalbench/server/engine"
)

// An exchange is one request and its response in memory: the io.ReadWriter that
// the Upgrader works on and the hooks that it calls. Exchanges are pooled with
// their hooks bound, so that a handshake makes no closures.
type exchange struct {
	upgrader ws.Upgrader

	in, out, head []byte
	remote        net.Addr
	cfg           *engine.Config
	handler       engine.Handler
	request       *engine.Request

	// Copies of what the hooks were shown; the arrays stay with the pool.
	target, host, origin []byte
}

var exchanges = sync.Pool{New: func() any {
	x := new(exchange)
	x.upgrader = ws.Upgrader{
		OnRequest: func(uri []byte) error {
			x.target = append(x.target, uri...)
			return nil
		},
		OnHost: func(v []byte) error {
			x.host = append(x.host[:0], v...)
			return nil
		},
		OnHeader: func(k, v []byte) error {
			if string(k) == "Origin" {
				x.origin = append(x.origin[:0], v...)
			}
			return nil
		},
		OnBeforeUpgrade: x.decide,
	}
	return x
}}

// release gives x back to the pool with nothing of the caller's in it.
func (x *exchange) release() {
	*x = exchange{
		upgrader: x.upgrader,
		target:   x.target[:0], host: x.host[:0], origin: x.origin[:0],
	}
	exchanges.Put(x)
}

// Read hands out the request. The Upgrader stops at the blank line, so the end
// of it is not reached in a well-formed one.
func (x *exchange) Read(p []byte) (int, error) {
	if len(x.in) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, x.in)
	x.in = x.in[n:]
	return n, nil
}

// Write collects the response.
func (x *exchange) Write(p []byte) (int, error) {
	x.out = append(x.out, p...)
	return len(p), nil
}

// decide is the Upgrader's last hook: the request is a handshake but for what
// the Upgrader does not look at.
func (x *exchange) decide() (ws.HandshakeHeader, error) {
	if err := checkHead(x.head); err != nil {
		return nil, err
	}
	host, path, query, err := split(x.target)
	if err != nil {
		return nil, ws.ErrMalformedRequest
	}
	if len(host) == 0 {
		host = x.host
	}
	x.request = newRequest(path, query, host, x.origin)
	x.request.RemoteAddr = x.remote
	if !httpguts.ValidHostHeader(x.request.Host) {
		return nil, &BadRequest{Status: http.StatusBadRequest, Reason: "malformed Host"}
	}
	return nil, Decide(x.request, x.cfg, x.handler)
}

// split returns the decoded path and the raw query of a request target. It is a
// path, or an absolute URI, whose host stands above the Host field (RFC 9112
// section 3.2); host is empty otherwise.
func split(target []byte) (host, path, query []byte, err error) {
	if len(target) > 0 && target[0] == '/' && !bytes.ContainsFunc(target, special) {
		path, query, _ = bytes.Cut(target, []byte("?"))
		return nil, path, query, nil
	}
	u, err := url.ParseRequestURI(string(target))
	if err != nil {
		return nil, nil, nil, err
	}
	return []byte(u.Host), []byte(u.Path), []byte(u.RawQuery), nil
}

// special reports whether a target with r in it has to be decoded, or cannot be.
func special(r rune) bool { return r == '%' || r < ' ' || r == 0x7f }

// newRequest copies the fields into one string and returns a Request made of
// parts of it.
func newRequest(path, query, host, origin []byte) *engine.Request {
	all := make([]byte, 0, 128)
	all = append(all, path...)
	all = append(all, query...)
	all = append(all, host...)
	all = append(all, origin...)
	rest := string(all)
	next := func(n int) (part string) {
		part, rest = rest[:n], rest[n:]
		return part
	}
	return &engine.Request{
		Path:     next(len(path)),
		RawQuery: next(len(query)),
		Host:     next(len(host)),
		Origin:   next(len(origin)),
	}
}
