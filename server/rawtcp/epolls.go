package rawtcp

import (
	"context"
	"errors"
	"net"

	"golang.org/x/sync/errgroup"
)

// serveLoops runs an event loop for each listener. Those of one port, by SO_REUSEPORT,
// get the connections that the kernel deals to them (socket(7)), and keep them.
func serveLoops(ctx context.Context, listeners []net.Listener, cfg *Config) (err error) {
	var loops []*poller
	defer func() {
		for _, p := range loops {
			err = errors.Join(err, p.close())
		}
	}()
	for i, l := range listeners {
		p, err := newPoller(l, cfg, 0)
		if err != nil {
			return errors.Join(err, shut(listeners[i+1:]))
		}
		loops = append(loops, p)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range loops {
		group.Go(func() error { return p.loop(ctx) })
	}
	return group.Wait()
}
