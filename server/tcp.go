package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"signalbench/server/admin"
	"signalbench/server/engine"
	"signalbench/server/rawtcp"
	"signalbench/server/service"
)

// prefork is the kind that is several processes; each of them is an epoll of rawtcp.
const prefork = "prefork"

// tcpCommand echoes bytes over TCP. By the names of its flags they are what /stats
// reports as config.
type tcpCommand struct {
	Kind         string        `help:"How: ${enum}. That is: a goroutine for each connection; one epoll instance; several on one port (SO_REUSEPORT); several processes on one port; one epoll instance with a pool of workers." enum:"goroutine,epoll,epolls,prefork,pool" required:"" placeholder:"KIND"`
	Listen       string        `help:"Address to serve on." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	Admin        string        `help:"Address for statistics, metrics and profiles; none without it." placeholder:"HOST:PORT"`
	Pollers      int           `help:"Event loops of epolls, or processes of prefork; 0 for GOMAXPROCS." default:"0" placeholder:"N"`
	Workers      int           `help:"Goroutines of pool, 0 for 4 of each of GOMAXPROCS." default:"0" placeholder:"N"`
	Outbox       bytesFlag     `help:"How much may wait for one client that does not read; it is closed then. A goroutine of its own reads nothing meanwhile instead." default:"256KiB" placeholder:"SIZE"`
	WriteTimeout time.Duration `help:"Longest time for a client to take nothing of what waits for it, kept by the kernel (TCP_USER_TIMEOUT)." default:"10s" placeholder:"TIME"`
	Backlog      int           `help:"Length of the accept queues, 0 for net.core.somaxconn." default:"0" placeholder:"N"`
	Quiet        bool          `help:"No line every second."`
	Fork         bool          `help:"Be one process of prefork." hidden:""`
}

// Run serves until the session's context is done.
func (c *tcpCommand) Run(s *session) error {
	if err := c.resolve(); err != nil {
		return err
	}
	if c.Kind == prefork && !c.Fork {
		return c.prefork(s)
	}
	if err := reserveDescriptors(); err != nil {
		return err
	}
	cfg := &rawtcp.Config{Outbox: int(c.Outbox), Workers: c.Workers, Stats: new(engine.Stats), Log: slog.New(slog.NewTextHandler(s.stderr, nil))}
	listeners, err := c.listeners(s.ctx)
	if err != nil {
		return err
	}
	announcement := ready{PID: os.Getpid(), Engine: c.engine(), Listen: []string{listeners[0].Addr().String()}}
	source := &admin.Source{Engine: c.engine(), Started: time.Now(), Stats: cfg.Stats, Service: noService{}, Config: c.config(s)}

	beside, done := context.WithCancel(context.WithoutCancel(s.ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer done()
	if c.Admin != "" {
		l, err := listen(s.ctx, c.Admin, c.Backlog)
		if err != nil {
			return errors.Join(fmt.Errorf("admin: %w", err), closeAll(listeners))
		}
		announcement.Admin = l.Addr().String()
		wg.Go(func() {
			if err := admin.Serve(beside, l, admin.Handler(source, noService{})); err != nil {
				cfg.Log.Error("admin listener ended", "err", err)
			}
		})
	}
	if err := announcement.write(s.stdout, people(c.Admin, s.stderr)); err != nil {
		return errors.Join(err, closeAll(listeners))
	}
	if !c.Quiet {
		wg.Go(func() { everySecond(beside, s.stderr, source) })
	}
	kind := rawtcp.Kind(c.Kind)
	if c.Kind == prefork {
		kind = rawtcp.Epoll
	}
	if err := rawtcp.Serve(s.ctx, kind, listeners, cfg); err != nil {
		return fmt.Errorf("%s: %w", c.engine(), err)
	}
	return nil
}

// engine is what the ready line and /stats call a server of this kind.
func (c *tcpCommand) engine() string { return "tcp-" + c.Kind }

// config is the settings, as far as they are the user's.
func (c *tcpCommand) config(s *session) map[string]any {
	all := effective(s.flags)
	delete(all, "fork")
	return all
}

// resolve replaces what stands for a default by the default.
func (c *tcpCommand) resolve() error {
	switch {
	case c.Pollers < 0 || c.Workers < 0 || c.Backlog < 0:
		return errors.New("--pollers, --workers and --backlog are numbers from 0 on, and 0 is their default")
	case c.WriteTimeout < time.Millisecond:
		return fmt.Errorf("--write-timeout %v: at least 1ms, which is how finely the kernel keeps it", c.WriteTimeout)
	}
	if c.Pollers == 0 {
		c.Pollers = runtime.GOMAXPROCS(0)
	}
	if c.Workers == 0 {
		c.Workers = 4 * runtime.GOMAXPROCS(0)
	}
	if c.Backlog == 0 {
		c.Backlog = somaxconn()
	}
	return nil
}

// listeners opens a socket for each event loop.
func (c *tcpCommand) listeners(ctx context.Context) ([]net.Listener, error) {
	switch {
	case c.Fork:
		l, err := listen(ctx, c.Listen, c.Backlog, c.impatient, sharePort)
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	case c.Kind != string(rawtcp.Epolls):
		l, err := listen(ctx, c.Listen, c.Backlog, c.impatient)
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	}
	address, err := c.vacant(ctx)
	if err != nil {
		return nil, err
	}
	roomFor(c.Pollers)
	var list []net.Listener
	for range c.Pollers {
		l, err := listen(ctx, address, c.Backlog, c.impatient, sharePort)
		if err != nil {
			return nil, errors.Join(err, closeAll(list))
		}
		list = append(list, l)
	}
	return list, nil
}

// vacant returns an address that nobody listens on, which is that of --listen if it
// has a port. Sockets that share a port would share it with an older server's, too,
// and leave it a part of the connections.
func (c *tcpCommand) vacant(ctx context.Context) (string, error) {
	l, err := listen(ctx, c.Listen, c.Backlog)
	if err != nil {
		return "", err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return "", fmt.Errorf("trying %s: %w", address, err)
	}
	return address, nil
}

// impatient has the kernel end a connection that takes nothing for --write-timeout;
// accepted sockets inherit that (tcp(7), TCP_USER_TIMEOUT).
func (c *tcpCommand) impatient(fd int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(c.WriteTimeout.Milliseconds()))
}

// sharePort lets several sockets listen on one port; the kernel deals connections to
// them (socket(7), SO_REUSEPORT).
func sharePort(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}

// noService stands for rooms and channels where there are none.
type noService struct{}

// Stats is what a service without any of it counts.
func (noService) Stats() service.Stats { return service.Stats{} }

// Publish implements [admin.Publisher].
func (noService) Publish(context.Context, string, engine.Opcode, []byte) (int, error) {
	return 0, errNoService
}

// Broadcast implements [admin.Publisher].
func (noService) Broadcast(context.Context, string, string, []byte) (int, error) {
	return 0, errNoService
}
