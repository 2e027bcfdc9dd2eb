package netpoll

import (
	"encoding/binary"
	"io"

	"signalbench/server/bufpool"
)

// readMessage waits for frames until no message is in progress: there is nowhere
// to leave half of one.
func (c *descConn) readMessage() error {
	b := bufpool.Get(descReadBytes)
	defer bufpool.Put(b)
	for {
		if err := c.readFrame(b.B[:cap(b.B)]); err != nil {
			return err
		}
		if c.parser.Idle() {
			return nil
		}
	}
}

// readFrame takes exactly one frame: two bytes, the rest of the header, the
// payload (RFC 6455 section 5.2). A read of more would need a place for what
// belongs to the next frame, so one call for everything is not to be had.
func (c *descConn) readFrame(buf []byte) error {
	if err := c.take(buf[:2]); err != nil {
		return err
	}
	more := 4 // the mask; a frame without one is refused by now
	switch buf[1] & 0x7f {
	case 126:
		more += 2
	case 127:
		more += 8
	}
	length := int(buf[1] & 0x7f)
	if err := c.take(buf[2 : 2+more]); err != nil {
		return err
	}
	switch length {
	case 126:
		length = int(binary.BigEndian.Uint16(buf[2:]))
	case 127:
		length = int(binary.BigEndian.Uint64(buf[2:])) // within MaxMessage, or refused
	}
	for length > 0 {
		n := min(length, len(buf))
		if err := c.take(buf[:n]); err != nil {
			return err
		}
		length -= n
	}
	return nil
}

// take waits for len(p) bytes and gives them to the parser.
func (c *descConn) take(p []byte) error {
	n := copy(p, c.behind)
	c.behind = c.behind[n:]
	if _, err := io.ReadFull(c.nc, p[n:]); err != nil {
		return err
	}
	return c.parser.Feed(p, c.server.cfg.MaxMessage, (*descSink)(c))
}
