package ladder

import (
	"net/http"

	"github.com/gobwas/ws"

	"signalbench/server/conns"
	"signalbench/server/engine"
)

// upgradeHTTP is an [overhttp.Upgrade]. The pair of buffers that net/http gives away
// with a hijacked connection stays with it: the article counts 4 KB each for what
// nobody uses any more.
func (s *server) upgradeHTTP(w http.ResponseWriter, r *http.Request, nc *conns.Conn, request *engine.Request) {
	hijacked, pair, _, err := ws.HTTPUpgrader{}.Upgrade(r, w)
	if err != nil {
		// The request was found good, so it is the socket that failed.
		nc.Refused(err)
		if hijacked != nil {
			_ = nc.Close()
			nc.Leave()
		}
		return
	}
	c := &conn{Life: conns.NewLife(nc, s.cfg, s.handler), server: s, pair: pair, opened: true}
	if s.rung.loops {
		c.startLoops(request)
		return
	}
	c.startWatching(request)
}

// ahead returns what the client sent behind its request and net/http has read.
func (c *conn) ahead() []byte {
	p, _ := c.pair.Reader.Peek(c.pair.Reader.Buffered())
	return p
}
