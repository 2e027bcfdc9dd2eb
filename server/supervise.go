package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"signalbench/server/admin"
	"signalbench/server/engine"
	"signalbench/server/shards"
)

const (
	// ownDescriptors is what a process needs besides its connections: standard
	// streams, listeners, pollers, admin connections.
	ownDescriptors = 64
	// stopGrace is how much longer than its drain a shard may take to end.
	stopGrace = 5 * time.Second
)

// division is into how many processes, and one process into how many descriptor
// tables, the connections are to be divided.
func (c *settings) division(e engine.Entry) (processes, tables int, err error) {
	if c.Shards == "auto" {
		var l unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
			return 0, 0, fmt.Errorf("reading the limit of descriptors: %w", err)
		}
		room := int(min(l.Cur, 1<<30)) - ownDescriptors
		switch {
		case c.Conns < 1:
			return 0, 0, errors.New("--shards auto needs --conns, the number of connections to make room for")
		case room < 1:
			return 0, 0, fmt.Errorf("a limit of %d descriptors (ulimit -n) leaves no room for connections: raise it", l.Cur)
		}
		if e.OwnTables {
			return 1, tablesAt(c.Ports, c.Conns, room), nil
		}
		return (c.Conns + room - 1) / room, 1, nil
	}
	n, err := strconv.Atoi(c.Shards)
	if err != nil || n < 1 {
		return 0, 0, fmt.Errorf("--shards %q is neither auto nor a number from 1 on", c.Shards)
	}
	return n, 1, nil
}

// tablesAt is tablesFor where there are so many listeners, 0 for one for each table.
// More of them than tables are in each table, where they take room of their own.
func tablesAt(ports, conns, room int) int {
	n := tablesFor(conns, room)
	if ports <= n {
		return n
	}
	return min(ports, tablesFor(conns, max(1, room-ports)))
}

// tablesFor is how many descriptor tables hold conns connections where each has
// room for so many and for what wakes the others. Where no number does, it is
// the one that holds the most.
func tablesFor(conns, room int) int {
	if conns <= room {
		return 1
	}
	most := max(1, room/2)
	for n := 2; n < most; n++ {
		if n*(room-n) >= conns {
			return n
		}
	}
	return most
}

// addresses are those of --listen and --ports for n processes.
func (c *settings) addresses(n int) ([]string, error) {
	ports := c.Ports
	if ports == 0 {
		ports = n
	}
	if ports == 1 && n == 1 {
		return c.Listen, nil
	}
	if len(c.Listen) != 1 {
		return nil, errors.New("--ports and --shards count from the port of one --listen: give one")
	}
	host, text, err := net.SplitHostPort(c.Listen[0])
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", c.Listen[0], err)
	}
	first, err := strconv.Atoi(text)
	switch {
	case err != nil || first < 1:
		return nil, fmt.Errorf("--listen %s: %d consecutive ports need a number to count from", c.Listen[0], ports)
	case ports < n:
		return nil, fmt.Errorf("--ports %d is less than one for each of %d shards", ports, n)
	case first+ports-1 > 65535:
		return nil, fmt.Errorf("--listen %s: %d ports go beyond 65535", c.Listen[0], ports)
	}
	list := make([]string, ports)
	for i := range list {
		list[i] = net.JoinHostPort(host, strconv.Itoa(first+i))
	}
	return list, nil
}

// supervise serves with n processes of this program, each with that many descriptor
// tables: port i is shard i mod n's.
func (c *serveCommand) supervise(s *session, n, tables int) error {
	page, err := c.demoPage(s.ctx)
	if err != nil {
		return err
	}
	defer page.close()
	own, env := page.instead(s.args), os.Environ()
	args := c.alone(own)
	if n > 1 || tables == 1 {
		addresses, err := c.addresses(n)
		if err != nil {
			return err
		}
		args = c.divided(own, addresses, n)
	}
	if n > 1 {
		env = shardEnv(env, runtime.GOMAXPROCS(0), n)
	}
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	var l net.Listener
	if c.Admin != "" {
		if l, err = listen(s.ctx, c.Admin, somaxconn()); err != nil {
			return fmt.Errorf("admin: %w", err)
		}
	}
	started := time.Now()
	fleet, err := shards.Start(s.ctx, shards.Options{Binary: binary, Args: args, Env: env, Stderr: s.stderr, Started: started})
	if err != nil {
		if l != nil {
			err = errors.Join(err, l.Close())
		}
		return err
	}
	announcement := announce(c.Engine, fleet.Infos())
	beside, done := context.WithCancel(context.WithoutCancel(s.ctx))
	var wg sync.WaitGroup
	if l != nil {
		announcement.Admin = l.Addr().String()
		wg.Go(func() {
			if err := admin.Serve(beside, l, admin.Handler(fleet, fleet)); err != nil {
				fmt.Fprintln(s.stderr, "server: admin listener ended:", err)
			}
		})
	}
	if page != nil {
		announcement.Demo = page.url()
		wg.Go(func() {
			if err := page.serve(beside, announcement.Listen[0]); err != nil {
				fmt.Fprintln(s.stderr, "server: demo listener ended:", err)
			}
		})
	}
	if n > 1 {
		fmt.Fprintf(s.stderr, "server: each of the %d shards has rooms and channels of its own: only who connects to ports of the same shard meets there\n", n)
	}
	if err = announcement.write(s.stdout, s.stderr); err == nil {
		// Until it is told to stop, or no shard is left.
		fleet.Watch(s.ctx, func(sum admin.Connections) {
			if !c.Quiet {
				sayCounters(s.stderr, started, sum.Open, sum.Failed)
			}
		})
	}
	err = errors.Join(err, fleet.Stop(c.DrainTimeout+stopGrace))
	done()
	wg.Wait()
	return err
}

// announce is the ready line of a supervisor. Ports stand in it in their own order,
// which is that of the shards in turn.
func announce(engine string, infos []shards.Info) ready {
	r := ready{PID: os.Getpid(), Engine: engine, Shards: infos}
	for k, more := 0, true; more; k++ {
		more = false
		for _, info := range infos {
			if k < len(info.Listen) {
				r.Listen, more = append(r.Listen, info.Listen[k]), true
			}
		}
	}
	for _, info := range infos {
		r.Tables += info.Tables
	}
	return r
}

// alone is the arguments of the only process under a supervisor, which divides its
// connections and counts its ports by itself.
func (c *settings) alone(args []string) [][]string {
	return [][]string{append(without(args, "supervise", "admin", "quiet"), "--quiet")}
}

// divided is the arguments of each of n processes among which addresses are divided.
func (c *settings) divided(args, addresses []string, n int) [][]string {
	common := append(without(args, "supervise", "listen", "ports", "shards", "conns", "admin", "memory-limit", "quiet"), "--quiet")
	if c.MemoryLimit != nil {
		common = append(common, fmt.Sprintf("--memory-limit=%d", int64(*c.MemoryLimit)/int64(n)))
	}
	all := make([][]string, n)
	for i := range all {
		all[i] = slices.Clone(common)
	}
	for i, a := range addresses {
		all[i%n] = append(all[i%n], "--listen="+a)
	}
	return all
}

// people is where a server tells people that it is ready. A shard, which has its admin
// listener on a socket of the file system, leaves that to the process that started it.
func people(address string, stderr io.Writer) io.Writer {
	if strings.HasPrefix(address, admin.UnixPrefix) {
		return io.Discard
	}
	return stderr
}

// switches are the flags that take no value.
var switches = []string{"supervise", "quiet"}

// without returns args without the flags of these names and their values.
func without(args []string, names ...string) []string {
	var kept []string
	for i := 0; i < len(args); i++ {
		name, _, joined := strings.Cut(strings.TrimPrefix(args[i], "--"), "=")
		if strings.HasPrefix(args[i], "--") && slices.Contains(names, name) {
			if !joined && !slices.Contains(switches, name) {
				i++
			}
			continue
		}
		kept = append(kept, args[i])
	}
	return kept
}
