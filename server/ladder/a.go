package ladder

import (
	"bufio"

	"signalbench/server/bufpool"
	"signalbench/server/engine"
)

var rungA = rung{name: "ladder-a", loops: true}

// EntryA is where the article begins: a goroutine that reads and one that writes
// for each connection, each with a buffer of 4 KiB, and net/http's pair of them.
var EntryA = engine.Entry{
	Name:      rungA.name,
	IdleBytes: 27000,
	Optional:  true,
	Summary:   "article of 2017, rung A: net/http, two goroutines and four buffers per connection (24 KB by its count)",
	New:       rungA.new,
}

// A letter is a frame on its way to the goroutine that writes it.
type letter struct {
	frame  []byte
	buffer *bufpool.Buffer // to be put back behind it; nil if the frame is nobody's
}

// A line leads to the goroutine that writes. It holds nothing: what a peer does not
// take waits in the outbox, where it is counted, so the goroutine never waits for a
// peer and nobody waits for the goroutine longer than a write(2) takes.
type line struct {
	letters chan letter
	done    chan struct{} // closed when everything handed over is written
	stopped bool          // letters is closed; of whoever ends the connection
}

// startLoops starts both goroutines. net/http's ends.
func (c *conn) startLoops(r *engine.Request) {
	c.line = &line{letters: make(chan letter), done: make(chan struct{})}
	go c.writeLoop()
	c.Socket.Upgraded(c)
	err := c.open(r, c.ahead())
	if err != nil {
		c.end(err)
		return
	}
	go c.readLoop()
}

// readLoop reads until the connection ends.
func (c *conn) readLoop() { c.end(c.readAll(bufio.NewReaderSize(c.Socket, ioBytes))) }

// readAll delivers what comes and returns why nothing does any more.
func (c *conn) readAll(r *bufio.Reader) (err error) {
	defer c.Rescue(&err)
	for {
		if _, err := r.Peek(1); err != nil {
			return err
		}
		p, err := r.Peek(r.Buffered())
		if err == nil {
			err = c.feed(p)
		}
		if err != nil {
			return err
		}
		_, _ = r.Discard(len(p))
	}
}

// writeLoop writes until stopWriting is called. After an error it takes what comes,
// and the outbox admits nothing more.
func (c *conn) writeLoop() {
	w := bufio.NewWriterSize(c.Socket, ioBytes)
	for l := range c.line.letters {
		_, _ = w.Write(l.frame)
		_ = w.Flush()
		bufpool.Put(l.buffer)
	}
	close(c.line.done)
}

// stopWriting returns when the writing goroutine of rung A has ended, behind this
// side's close frame, or what has made one impossible: nothing is sent after that. It
// may be called again.
func (c *conn) stopWriting() {
	if c.line == nil {
		return
	}
	if !c.line.stopped {
		c.line.stopped = true
		close(c.line.letters)
	}
	<-c.line.done
}
