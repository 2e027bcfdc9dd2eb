package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/alecthomas/kong"

	"signalbench/server/engine"
)

// settings are the flags of serve. By their names they are what /stats reports
// as config.
type settings struct {
	Engine string   `help:"Engine to serve with: ${engines}." default:"gorilla" placeholder:"NAME"`
	Listen []string `help:"Address to serve on (repeatable)." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	Ports  int      `help:"Consecutive ports from that of --listen on, 0 for one, or one for each shard or descriptor table." default:"0" placeholder:"N"`
	Shards string   `help:"Processes that serve, each on ports of its own: a number, or auto for what holds --conns under the limit of descriptors: as many processes, or one with as many descriptor tables if the engine can. Rooms and channels do not span processes." default:"1" placeholder:"N"`
	Conns  int      `help:"Connections that --shards auto makes room for." default:"0" placeholder:"N"`
	Demo   string   `help:"Address for a page on which two browsers meet in a room and connect to each other; none without it." placeholder:"HOST:PORT"`
	Admin  string   `help:"Address for statistics, metrics and profiles; none without it." placeholder:"HOST:PORT"`

	Supervise bool `help:"Serve from a process under this one, also if it is the only one: POST /restart on --admin then kills what serves, and starts it again on the same ports."`

	MaxConns         int           `help:"Most connections at once, 0 for no limit." default:"0" placeholder:"N"`
	MaxMessage       bytesFlag     `help:"Largest message." default:"128KiB" placeholder:"SIZE"`
	HandshakeTimeout time.Duration `help:"Longest opening handshake." default:"10s" placeholder:"TIME"`
	ReadTimeout      time.Duration `help:"Longest silence of a client, 0 for ever." default:"10m" placeholder:"TIME"`
	WriteTimeout     time.Duration `help:"Longest time for a client to take what waits for it, or to answer a close." default:"10s" placeholder:"TIME"`
	DrainTimeout     time.Duration `help:"Longest wait for clients when the server stops." default:"5s" placeholder:"TIME"`
	Outbox           bytesFlag     `help:"How much may wait for one client." default:"256KiB" placeholder:"SIZE"`
	SlowConsumer     string        `help:"What ends when a client's outbox is full: close the connection or drop the message." enum:"close,drop" default:"close" placeholder:"POLICY"`
	Origin           []string      `help:"Origin that is let in, * for any (repeatable); without it, the server's own." sep:"none" placeholder:"ORIGIN"`
	OriginPort       []int         `help:"Port of the server's own host whose pages are let in as well (repeatable)." placeholder:"PORT"`
	TLSCert          string        `name:"tls-cert" help:"Certificate chain in PEM: speak TLS." placeholder:"FILE"`
	TLSKey           string        `name:"tls-key" help:"Private key of the certificate in PEM." placeholder:"FILE"`
	Pollers          int           `help:"Event loops of an engine that has any, 0 for half of GOMAXPROCS." default:"0" placeholder:"N"`
	Workers          int           `help:"Goroutines of an engine with a worker pool, 0 for 4 of each of GOMAXPROCS." default:"0" placeholder:"N"`
	Backlog          int           `help:"Length of the accept queues, 0 for net.core.somaxconn." default:"0" placeholder:"N"`

	signaling

	GOGC        *int       `name:"gogc" help:"The collector's percentage, negative for off; without it, that of the environment." placeholder:"PERCENT"`
	MemoryLimit *bytesFlag `help:"The runtime's soft memory limit, of all shards together in equal shares; without it, that of the environment." placeholder:"SIZE"`
	Quiet       bool       `help:"No line every second."`
}

// resolve replaces what stands for a default by the default, and applies what
// is the runtime's.
func (c *settings) resolve() {
	if c.Pollers == 0 {
		c.Pollers = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if c.Workers == 0 {
		c.Workers = 4 * runtime.GOMAXPROCS(0)
	}
	if c.Backlog == 0 {
		c.Backlog = somaxconn()
	}
	if c.SlowBroadcast == "" {
		c.SlowBroadcast = c.SlowConsumer
	}
	if c.GOGC == nil {
		percent := debug.SetGCPercent(100) // the only way to ask
		c.GOGC = &percent
	}
	debug.SetGCPercent(*c.GOGC)
	limit := int64(-1) // asks
	if c.MemoryLimit != nil {
		limit = int64(*c.MemoryLimit)
	}
	debug.SetMemoryLimit(limit)
	effective := bytesFlag(debug.SetMemoryLimit(-1))
	if effective == math.MaxInt64 {
		effective = -1 // none, as in /stats
	}
	c.MemoryLimit = &effective
	if c.Origin == nil {
		c.Origin = []string{}
	}
	if c.OriginPort == nil {
		c.OriginPort = []int{}
	}
}

// config is what an engine is made from.
func (c *settings) config(log *slog.Logger) (engine.Config, error) {
	cfg := engine.Config{
		MaxConns:         c.MaxConns,
		MaxMessage:       int(c.MaxMessage),
		HandshakeTimeout: c.HandshakeTimeout,
		ReadTimeout:      c.ReadTimeout,
		WriteTimeout:     c.WriteTimeout,
		DrainTimeout:     c.DrainTimeout,
		Outbox:           int(c.Outbox),
		Slow:             engine.SlowPolicy(c.SlowConsumer),
		Origins:          c.Origin,
		OriginPorts:      c.OriginPort,
		Pollers:          c.Pollers,
		Workers:          c.Workers,
		Stats:            new(engine.Stats),
		Log:              log,
	}
	var err error
	cfg.TLS, err = c.tls()
	return cfg, err
}

// tls is how listeners speak TLS, nil if they do not.
func (c *settings) tls() (*tls.Config, error) {
	switch {
	case c.TLSCert == "" && c.TLSKey == "":
		return nil, nil
	case c.TLSCert == "" || c.TLSKey == "":
		return nil, errors.New("TLS needs both --tls-cert and --tls-key")
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("loading the certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}, nil
}

// listeners opens all addresses or none.
func (c *settings) listeners(ctx context.Context) ([]net.Listener, error) {
	var list []net.Listener
	addresses, err := c.addresses(1)
	if err != nil {
		return nil, err
	}
	for _, address := range addresses {
		l, err := listen(ctx, address, c.Backlog)
		if err != nil {
			return nil, errors.Join(err, closeAll(list))
		}
		list = append(list, l)
	}
	return list, nil
}

func closeAll(list []net.Listener) error {
	var errs []error
	for _, l := range list {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// effective returns every setting by the name of its flag: durations as text,
// amounts of memory in bytes.
func effective(flags []*kong.Flag) map[string]any {
	all := make(map[string]any, len(flags))
	for _, f := range flags {
		if f.Name == "help" {
			continue
		}
		switch v := f.Target.Interface().(type) {
		case time.Duration:
			all[f.Name] = v.String()
		default:
			all[f.Name] = v
		}
	}
	return all
}
