package netpoll

import (
	"bytes"

	"signalbench/server/bufpool"
	"signalbench/server/upgrade"
)

// shake takes what has come of the opening handshake. It returns what lies
// behind the handshake once that is complete and accepted, and the buffer in
// which this lies, nil if it lies in p; the caller puts it back.
func (c *conn) shake(p []byte) (behind []byte, buf *bufpool.Buffer) {
	c.mu.Lock()
	x, over := c.x, c.is(surplus)
	c.mu.Unlock()
	head := p
	if x != nil && x.head != nil {
		buf, x.head = bufpool.Append(x.head, p), nil
		head = buf.B
	}
	end := 0
	if bytes.IndexByte(p, '\n') >= 0 { // else nothing can have ended
		end = upgrade.End(head)
	}
	switch {
	case end > upgrade.MaxRequest, end == 0 && len(head) >= upgrade.MaxRequest:
		c.refuse(upgrade.AppendRefusal(nil, upgrade.TooLarge), upgrade.TooLarge)
		return nil, buf
	case end == 0:
		c.keep(buf, p)
		return nil, nil
	case over:
		c.refuse(upgrade.AppendRefusal(nil, overLimit), overLimit)
		return nil, buf
	}
	loop := c.loop
	response, r, err := upgrade.Do(loop.reply[:0], head[:end], (*remote)(c), loop.cfg, loop.handler)
	loop.reply = response
	if err != nil {
		c.refuse(response, err)
		return nil, buf
	}
	if !c.accept(response) {
		return nil, buf
	}
	loop.handler.Open(c, r)
	return head[end:], buf
}

// keep stores a part of the handshake: buf if there was one, else p.
func (c *conn) keep(buf *bufpool.Buffer, p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if buf == nil {
		buf = bufpool.Append(nil, p)
	}
	c.extra().head = buf
}

// accept sends the 101 and opens the connection, unless it was cut meanwhile.
func (c *conn) accept(response []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase.Load() != opening {
		return false
	}
	c.phase.Store(open)
	c.flags |= upgraded
	if k := &c.loop.clock; k.read > 0 {
		c.loop.table.hurry(c, k.now()+k.read)
	}
	c.loop.moved = true // silence begins now
	c.loop.cfg.Stats.Upgraded.Add(1)
	c.loop.cfg.Stats.Open.Add(1)
	c.put(response, nil)
	return true
}

// refuse answers with an HTTP error and lets the peer read it.
func (c *conn) refuse(response []byte, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase.Load() != opening {
		return
	}
	upgrade.Count(c.loop.cfg.Stats, err)
	c.flags |= counted
	c.enter(lingering)
	c.put(response, nil)
}
