package ladder

import (
	"net"

	"signalbench/server/bufpool"
	"signalbench/server/conns"
	"signalbench/server/engine"
	"signalbench/server/upgrade"
)

var rungD = rung{name: "ladder-d", pool: true, raw: true}

// EntryD is [EntryC] without net/http: gobwas/ws's zero-copy upgrade on the raw
// connection. An idle connection is its socket and one struct.
var EntryD = engine.Entry{
	Name:      rungD.name,
	IdleBytes: 1500,
	Optional:  true,
	Summary:   "article of 2017, rung D: rung C with the zero-copy upgrade on the raw connection (0 KB by its count)",
	New:       rungD.new,
}

// headBytes is what most responses fit into.
const headBytes = 1 << 10

// acceptRaw watches every connection from the beginning: a request is read like a
// message, whenever more of it comes.
func (s *server) acceptRaw(l net.Listener) error {
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		c := &conn{Life: conns.NewLife(nc.(*conns.Conn), s.cfg, s.handler), server: s}
		c.start(func() error { return nil })
	}
}

// shake takes what has come of the opening handshake.
func (c *conn) shake(p []byte) error {
	c.head = bufpool.Append(c.head, p)
	end := upgrade.End(c.head.B)
	var err error
	switch {
	case end > upgrade.MaxRequest, end == 0 && len(c.head.B) >= upgrade.MaxRequest:
		err = upgrade.TooLarge
	case end == 0:
		return nil
	case c.Socket.Surplus():
		err = conns.OverLimit
	}
	head := c.head
	c.head = nil
	defer bufpool.Put(head)
	out := bufpool.Get(headBytes)
	defer bufpool.Put(out)
	var r *engine.Request
	if err == nil {
		out.B, r, err = upgrade.Do(out.B, head.B[:end], c.Socket.RemoteAddr(), c.server.cfg, c.server.handler)
	}
	if err == nil {
		err = c.Socket.Upgrading()
	}
	if err != nil {
		c.Socket.Refused(err)
		_, _ = c.Socket.Write(upgrade.AppendRefusal(out.B[:0], err))
		return errRefused
	}
	if _, err := c.Socket.Write(out.B); err != nil {
		return err
	}
	c.opened = true
	c.Socket.Upgraded(c)
	return c.open(r, head.B[end:])
}
