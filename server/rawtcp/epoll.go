package rawtcp

import (
	"context"
	"runtime"

	"golang.org/x/sys/unix"
)

// loop runs p on a thread of its own, which reads and echoes by itself.
func (p *poller) loop(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	buf := make([]byte, readBytes)
	return p.run(ctx, func(c *conn) {
		want, err := c.serve(buf, p.cfg.Outbox)
		if err == nil && want != c.want {
			c.want = want
			err = p.control(unix.EPOLL_CTL_MOD, c.fd, want)
		}
		if err != nil {
			p.end(c, err)
		}
	})
}
