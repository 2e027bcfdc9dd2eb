package orchestrate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"signalbench/compare/internal/child"
	"signalbench/results"
)

const (
	// loadGrace is how long an interrupted load generator may take to write
	// what it has measured.
	loadGrace = 15 * time.Second
	// closesPerSecond is a slow rate of closing; an interrupted load generator
	// closes all its connections in good order.
	closesPerSecond = 5000
	// loadSlack is added to three times the estimate before it is given up.
	loadSlack = time.Minute
)

// A target is what one step measures.
type target struct {
	label, url, admin string
	pid               int
	ports             int // consecutive ones, from the URL's on
	idleBytes         int // see Arm
}

// measure runs the load generator once against t, writing into dir. It returns
// the run's own verdict, or an error when no whole run was written.
func measure(ctx context.Context, binary string, l Load, t target, dir string, onLine func(string)) (results.Verdict, error) {
	args := append(l.args(), "--url", t.url, "--label", t.label, "--out", dir)
	if t.ports > 1 {
		args = append(args, "--ports", strconv.Itoa(t.ports))
	}
	if l.Yardstick && onLoopback(t.url) {
		args = append(args, "--yardstick")
	}
	if t.idleBytes > 0 {
		args = append(args, fmt.Sprintf("--server-bytes=%dB", t.idleBytes))
	}
	if t.pid != 0 {
		args = append(args, "--server-pid", strconv.Itoa(t.pid))
	}
	if t.admin != "" {
		args = append(args, "--admin", t.admin)
	}
	if l.restarts() {
		args = append(args, "--restart-url", t.admin+restartPath)
	}
	p, err := child.Start(child.Spec{Path: binary, Args: args, OnLine: onLine})
	if err != nil {
		return results.Invalid, err
	}
	if err := await(ctx, p, l.deadline(), loadGrace+time.Duration(l.Conns)*time.Second/closesPerSecond); err != nil {
		return results.Invalid, fmt.Errorf("load generator: %w", err)
	}
	const invalid = 2 // exit code for a run that is written and INVALID
	var exit *child.ExitError
	if err := p.Err(); err != nil && !(errors.As(err, &exit) && exit.Code == invalid) {
		return results.Invalid, fmt.Errorf("load generator: %w", err)
	}
	run, err := results.Open(dir)
	if err != nil {
		return results.Invalid, fmt.Errorf("the load generator ended but its run cannot be read: %w", err)
	}
	return run.Verdict, nil
}

// onLoopback reports whether a URL names an address of this machine's loopback.
func onLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.IsLoopback()
}
