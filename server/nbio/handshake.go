package nbio

import (
	"net"
	"net/http"
	"time"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/nbhttp"

	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/upgrade"
)

// ServeHTTP runs one opening handshake. What the library calls next for the connection
// comes behind it.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	nbc := socket(w)
	request, err := s.decide(r, nbc)
	if err == nil {
		err = s.promise(nbc)
	}
	if err != nil {
		s.refused(nbc, err)
		_, _, _ = w.(http.Hijacker).Hijack() // the library would close it on this goroutine
		s.refuse(nbc, err)
		return
	}
	ws, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		// The request was found good, so it is the socket that failed.
		s.refused(nbc, err)
		onSocket(nbc, hangUp)
		return
	}
	c := &conn{server: s, nbc: nbc, ws: ws}
	if timeout := s.cfg.ReadTimeout; timeout > 0 {
		c.silence = time.AfterFunc(timeout, c.silent)
	}
	ws.Conn = held{ws.Conn, c}
	ws.SetSession(c)
	s.cfg.Stats.Upgraded.Add(1)
	s.cfg.Stats.Open.Add(1)
	draining := s.enter(c)
	c.tellOpen(request)
	if draining {
		_ = c.Close(engine.CloseGoingAway, "server is going away")
	}
}

// socket is the connection of a request.
func socket(w http.ResponseWriter) *nbio.Conn {
	nc := w.(*nbhttp.Response).Parser.Conn
	if over, ok := nc.(*nbhttp.Conn); ok {
		nc = over.Conn
	}
	return nc.(*nbio.Conn)
}

// decide checks a request and then asks the handler. The error is one of package
// upgrade.
func (s *server) decide(r *http.Request, nbc *nbio.Conn) (*engine.Request, error) {
	s.mu.Lock()
	o := s.opening[nbc]
	surplus := o != nil && o.surplus
	s.mu.Unlock()
	if surplus {
		return nil, conns.OverLimit
	}
	if err := upgrade.CheckHTTP(r); err != nil {
		return nil, err
	}
	if len(r.Header["Host"]) != 1 {
		return nil, &upgrade.BadRequest{Status: http.StatusBadRequest, Reason: "no Host, or several"}
	}
	request := &engine.Request{
		Path:       r.URL.Path,
		RawQuery:   r.URL.RawQuery,
		Host:       r.Host,
		Origin:     r.Header.Get("Origin"),
		RemoteAddr: nbc.RemoteAddr(),
	}
	return request, upgrade.Decide(request, s.cfg, s.handler)
}

// promise has a drain wait for the 101 that is about to be written, so that whoever
// has seen it also sees the goodbye.
func (s *server) promise(nbc *nbio.Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.opening[nbc]
	switch {
	case o == nil:
		return net.ErrClosed
	case s.draining:
		return &engine.Refusal{Status: http.StatusServiceUnavailable, Reason: "server is going away"}
	}
	o.promised = true
	return nil
}
