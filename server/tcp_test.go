package main

import (
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"signalbench/server/admin"
)

var tcpKinds = []string{"goroutine", "epoll", "epolls", "prefork", "pool"}

// dialBytes connects to a server of bytes.
func dialBytes(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// echoed reports whether a message comes back.
func echoed(c net.Conn) bool {
	var p [8]byte
	if _, err := c.Write([]byte("12345678")); err != nil {
		return false
	}
	_, err := io.ReadFull(c, p[:])
	return err == nil && string(p[:]) == "12345678"
}

// Each kind says who it is and where, serves, counts, and ends by one interrupt with
// connections open.
func TestTCP(t *testing.T) {
	for _, kind := range tcpKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, nil, "tcp", "--kind", kind, "--pollers", "3", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--quiet")
			if p.PID != p.cmd.Process.Pid || p.Engine != "tcp-"+kind || len(p.Listen) != 1 || p.Admin == "" {
				t.Fatalf("ready line: %+v", p.ready)
			}
			if kind != prefork { // whose processes have the connections
				wantRoom(t, p.PID)
			}
			const clients = 30
			var conns []net.Conn
			for range clients {
				c := dialBytes(t, p.Listen[0])
				conns = append(conns, c)
				if !echoed(c) {
					t.Fatal("no echo")
				}
			}
			s := p.shardStats(t)
			if s.Engine != p.Engine || s.Connections.Open != clients || s.Connections.Upgraded != clients || s.Go.Heap <= 0 || s.Go.Goroutines <= 0 {
				t.Errorf("%s, %+v, %+v", s.Engine, s.Connections, s.Go)
			}
			if s.Config["kind"] != kind || s.Config["listen"] != p.Listen[0] && kind == "prefork" {
				t.Errorf("config: %v", s.Config)
			}
			if kind == "prefork" {
				if len(p.Shards) != 3 || len(s.Shards) != 3 || !slices.ContainsFunc(s.Shards, func(h admin.Shard) bool { return h.Open > 0 && h.Open < clients }) {
					t.Errorf("processes %+v, which hold %+v", p.Shards, s.Shards)
				}
			}
			if s = p.settle(t); s.Connections.Open != clients {
				t.Errorf("settled: %+v", s.Connections)
			}
			if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			p.wantExit(t, 0)
			for _, c := range conns {
				if _, err := c.Read(make([]byte, 1)); err == nil {
					t.Error("bytes came that nobody sent")
				}
			}
			for _, h := range p.Shards {
				wantGone(t, h.PID)
			}
		})
	}
}

// The processes of prefork end with the one that started them, however it ends.
func TestPreforkDiesWithItsParent(t *testing.T) {
	p := startProcess(t, nil, "tcp", "--kind", "prefork", "--pollers", "2", "--listen", "127.0.0.1:0", "--quiet")
	if len(p.Shards) != 2 {
		t.Fatalf("ready line: %+v", p.ready)
	}
	_ = p.cmd.Process.Kill()
	for _, h := range p.Shards {
		wantGone(t, h.PID)
	}
}

func wantGone(t *testing.T, pid int) {
	t.Helper()
	eventually(t, "the processes ended", func() bool {
		if syscall.Kill(pid, 0) != nil {
			return true
		}
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat") // a zombie has ended
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

// Without descriptors left, a server says so once and waits: who is connected is
// served, and who is not yet gets his turn when another has gone.
func TestTCPWithoutDescriptors(t *testing.T) {
	for _, kind := range []string{"goroutine", "epoll", "pool"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, []string{"sh", "-c", `ulimit -n 40; exec "$@"`, "sh"}, "tcp", "--kind", kind, "--listen", "127.0.0.1:0", "--quiet")
			var conns []net.Conn
			for range 60 {
				conns = append(conns, dialBytes(t, p.Listen[0]))
			}
			p.wantSaid(t, "no descriptors are left: raise the limit (ulimit -n")
			if !echoed(conns[0]) {
				t.Error("who is connected is not served")
			}
			last := conns[len(conns)-1]
			for _, c := range conns[1:50] {
				c.Close()
			}
			if !echoed(last) {
				t.Error("who waited got no turn")
			}
			if n := strings.Count(p.said(), "accept failed"); n > 10 {
				t.Errorf("it was said %d times", n)
			}
		})
	}
}
