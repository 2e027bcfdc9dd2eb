package ladder

import (
	"io"
	"os"
	"sync"

	"github.com/mailru/easygo/netpoll"
	"golang.org/x/sys/unix"

	"signalbench/server/bufpool"
	"signalbench/server/engine"
)

// A watch is what a connection has that is read from when epoll says so.
type watch struct {
	turn  sync.Mutex // held by who serves an event or decides on the end
	ended bool       // under turn
	sock  *socket    // nil before it is watched
	fd    int        // of sock, valid until the end
	head  *bufpool.Buffer
}

// events is what a connection is watched for, once: until it is asked for again,
// nothing more is reported. A hang-up is always reported with it.
const events = netpoll.EPOLLIN | netpoll.EPOLLONESHOT

// startWatching opens a connection that net/http has upgraded. net/http's goroutine
// ends.
func (c *conn) startWatching(r *engine.Request) {
	c.Socket.Upgraded(c)
	c.start(func() error { return c.open(r, c.ahead()) })
}

// start has what came before the first event done by first, and then watches.
func (c *conn) start(first func() error) {
	c.turn.Lock()
	defer c.turn.Unlock()
	err := first()
	if err == nil {
		err = c.arm()
	}
	if err != nil {
		c.leave(err)
	}
}

// arm begins to watch.
func (c *conn) arm() error {
	sock := c.Socket.Conn.Conn.(*socket)
	fd, err := sock.watch(c)
	if err != nil {
		return err
	}
	c.sock, c.fd = sock, fd
	return c.server.epoll.Add(fd, events, func(netpoll.EpollEvent) { c.server.dispatch(c) })
}

// receive serves one event: it reads once, and has epoll say when there is more.
func (c *conn) receive() {
	c.turn.Lock()
	defer c.turn.Unlock()
	if c.ended {
		return
	}
	err := c.sock.err() // else a peer that never stops sending would be read for ever
	if err == nil {
		err = c.read()
	}
	if err == nil {
		err = c.server.epoll.Mod(c.fd, events)
	}
	if err != nil {
		c.leave(err)
	}
}

// read reads once into borrowed memory and delivers what that completes.
func (c *conn) read() (err error) {
	b := bufpool.Get(ioBytes)
	defer bufpool.Put(b)
	n, err := unix.Read(c.fd, b.B[:ioBytes])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil
	case err != nil:
		return os.NewSyscallError("read", err)
	case n == 0:
		return io.EOF
	}
	defer c.Rescue(&err)
	if !c.opened {
		return c.shake(b.B[:n])
	}
	return c.feed(b.B[:n])
}

// leave ends the connection on a goroutine of its own, since an end may wait for
// the peer. turn is held.
func (c *conn) leave(err error) {
	c.ended = true
	if c.sock != nil {
		_ = c.server.epoll.Del(c.fd) // easygo keeps the callback also when it could not add
		c.sock.unwatch()
	}
	bufpool.Put(c.head)
	c.head = nil
	c.server.busy.Go(func() { c.end(err) })
}
