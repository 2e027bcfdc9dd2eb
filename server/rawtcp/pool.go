package rawtcp

import (
	"context"
	"errors"
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// servePool runs an event loop that hands each connection with an event to the next
// worker that is free. An event is reported once (epoll_ctl(2), EPOLLONESHOT), so a
// connection is with one worker at a time, which asks for the next event itself.
func servePool(ctx context.Context, l net.Listener, cfg *Config) error {
	p, err := newPoller(l, cfg, unix.EPOLLONESHOT)
	if err != nil {
		return err
	}
	ready := make(chan *conn, cfg.Workers)
	var workers sync.WaitGroup
	for range cfg.Workers {
		workers.Go(func() { p.work(ready) })
	}
	// No worker waits for a peer, so there is soon room for another connection.
	err = p.run(ctx, func(c *conn) { ready <- c })
	close(ready)
	workers.Wait()
	return errors.Join(err, p.close())
}

// work is one worker.
func (p *poller) work(ready <-chan *conn) {
	buf := make([]byte, readBytes)
	for c := range ready {
		c.mu.Lock()
		want, err := c.serve(buf, p.cfg.Outbox)
		if err == nil {
			err = p.control(unix.EPOLL_CTL_MOD, c.fd, want|p.mode) // others get c from here on
		}
		if err != nil {
			p.end(c, err)
		}
		c.mu.Unlock()
	}
}
