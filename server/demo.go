package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"

	"signalbench/server/demo"
	"signalbench/server/hub"
)

// A demoPage is the demo's listener, and nil does nothing.
type demoPage struct {
	net.Listener
	tls *tls.Config
}

// demoPage listens for the demo if it is asked for, and lets its pages in.
func (c *settings) demoPage(ctx context.Context) (*demoPage, error) {
	if c.Demo == "" {
		return nil, nil
	}
	if err := c.demoHost(); err != nil {
		return nil, err
	}
	secure, err := c.tls()
	if err != nil {
		return nil, err
	}
	l, err := listen(ctx, c.Demo, somaxconn())
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	c.OriginPort = append(c.OriginPort, portOf(l.Addr().String()))
	return &demoPage{l, secure}, nil
}

// demoHost refuses a page that would not find the rooms on its own host.
func (c *settings) demoHost() error {
	page, _, err := net.SplitHostPort(c.Demo)
	if err != nil {
		return fmt.Errorf("--demo %s: %w", c.Demo, err)
	}
	rooms, _, err := net.SplitHostPort(c.Listen[0])
	if err != nil {
		return fmt.Errorf("--listen %s: %w", c.Listen[0], err)
	}
	if page != rooms && !everyHost(page) && !everyHost(rooms) {
		return fmt.Errorf("--demo %s: the page looks for the rooms on its own host, and --listen is %s: give both the same host", c.Demo, c.Listen[0])
	}
	return nil
}

// everyHost reports whether a listener on host is on all addresses.
func everyHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}

func portOf(address string) int {
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	return n
}

// url is where people open the page; empty without one.
func (d *demoPage) url() string {
	if d == nil {
		return ""
	}
	scheme := "http://"
	if d.tls != nil {
		scheme = "https://"
	}
	return scheme + d.Addr().String() + "/"
}

// serve answers until ctx is done, with the rooms on a port of the server's.
func (d *demoPage) serve(ctx context.Context, rooms string) error {
	cfg := demo.Config{Scheme: "ws", Port: portOf(rooms), Path: hub.Path}
	l := d.Listener
	if d.tls != nil {
		cfg.Scheme, l = "wss", tls.NewListener(l, d.tls)
	}
	h, err := demo.Handler(cfg)
	if err != nil {
		return err
	}
	return demo.Serve(ctx, l, h)
}

// instead returns the arguments of processes that let the page in and do not serve
// it.
func (d *demoPage) instead(args []string) []string {
	if d == nil {
		return args
	}
	return append(without(args, "demo"), fmt.Sprintf("--origin-port=%d", portOf(d.Addr().String())))
}

// close ends the listener if it does not serve, or no longer.
func (d *demoPage) close() {
	if d != nil {
		_ = d.Close() // it may be closed
	}
}
