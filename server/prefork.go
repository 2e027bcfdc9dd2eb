package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"signalbench/server/admin"
	"signalbench/server/shards"
)

var errNoService = &admin.StatusError{Status: http.StatusNotFound, Reason: "a server of bytes over TCP has no rooms and no channels"}

// prefork serves with several processes of this program, each of which accepts from
// the same port.
func (c *tcpCommand) prefork(s *session) error {
	address, err := c.vacant(s.ctx)
	if err != nil {
		return err
	}
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	args := append(without(s.args, "listen", "admin", "quiet", "pollers", "workers"), "--fork", "--quiet", "--listen="+address,
		fmt.Sprintf("--pollers=%d", c.Pollers), fmt.Sprintf("--workers=%d", c.Workers)) // as this process has resolved them
	all := make([][]string, c.Pollers)
	for i := range all {
		all[i] = slices.Clone(args)
	}
	var l net.Listener
	if c.Admin != "" {
		if l, err = listen(s.ctx, c.Admin, c.Backlog); err != nil {
			return fmt.Errorf("admin: %w", err)
		}
	}
	started := time.Now()
	fleet, err := shards.Start(s.ctx, shards.Options{
		Binary: binary, Args: all, Env: shardEnv(os.Environ(), runtime.GOMAXPROCS(0), c.Pollers), Stderr: s.stderr, Started: started,
	})
	if err != nil {
		if l != nil {
			err = errors.Join(err, l.Close())
		}
		return err
	}
	announcement := ready{PID: os.Getpid(), Engine: c.engine(), Listen: []string{address}, Shards: fleet.Infos()}
	beside, done := context.WithCancel(context.WithoutCancel(s.ctx))
	var wg sync.WaitGroup
	if l != nil {
		announcement.Admin = l.Addr().String()
		wg.Go(func() {
			if err := admin.Serve(beside, l, admin.Handler(fleet, noService{})); err != nil {
				fmt.Fprintln(s.stderr, "server: admin listener ended:", err)
			}
		})
	}
	if err = announcement.write(s.stdout, s.stderr); err == nil {
		fleet.Watch(s.ctx, func(sum admin.Connections) {
			if !c.Quiet {
				sayCounters(s.stderr, started, sum.Open, sum.Failed)
			}
		})
	}
	err = errors.Join(err, fleet.Stop(stopGrace))
	done()
	wg.Wait()
	return err
}
