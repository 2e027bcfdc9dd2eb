package netpoll_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"signalbench/server/echo"
	"signalbench/server/engine"
	"signalbench/server/netpoll"
)

// childEnv makes the test binary a server in a process of its own. Its value is
// the descriptor limit that it sets itself, 0 for none, and the number of
// descriptor tables.
const childEnv = "SIGNALBENCH_NETPOLL_CHILD"

// A child is the server process as the test sees it.
type child struct {
	addr  string
	in    io.WriteCloser
	lines *bufio.Scanner
}

// startChild starts one and ends it with the test.
func startChild(t *testing.T, descriptors, tables int) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d", childEnv, descriptors, tables))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{in: in, lines: bufio.NewScanner(out)}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait() // killed with the test's context, which ends before
	})
	c.addr = c.line(t)
	return c
}

func (c *child) line(t *testing.T) string {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatal("the server process went silent")
	}
	return c.lines.Text()
}

// ask asks for one number.
func (c *child) ask(t *testing.T, what string) int {
	t.Helper()
	fmt.Fprintln(c.in, what)
	line := c.line(t)
	n, err := strconv.Atoi(line)
	if err != nil {
		t.Fatalf("%s: %s", what, line)
	}
	return n
}

// runChild is main of the server process: it writes its address, then answers
// questions until its standard input ends.
func runChild(value string) error {
	var limit uint64
	cfg := engine.DefaultConfig()
	if _, err := fmt.Sscan(value, &limit, &cfg.Tables); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	addr := l.Addr()
	eng, err := netpoll.Entry.New(cfg)
	if err != nil {
		return err
	}
	if limit > 0 {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return err
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- eng.Serve(ctx, []net.Listener{l}, echo.Handler{}) }()
	fmt.Println(addr)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "resident":
			runtime.GC()
			debug.FreeOSMemory()
			fmt.Println(resident())
		case "accept-errors":
			fmt.Println(cfg.Stats.AcceptErrors.Load())
		case "open":
			fmt.Println(cfg.Stats.Open.Load())
		}
	}
	stop()
	return <-done
}
