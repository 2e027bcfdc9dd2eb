package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gorilla/websocket"

	"signalbench/server/admin"
	"signalbench/server/engine"
)

// sharded starts a server of three shards with n connections on each, and
// returns them by shard.
func sharded(t *testing.T, n int) (*process, [][]*websocket.Conn) {
	t.Helper()
	p := startProcess(t, nil, "--engine", "netpoll", "--shards", "3", "--listen", freePorts(t, 3), "--admin", "127.0.0.1:0")
	if len(p.Shards) != 3 || len(p.Listen) != 3 {
		t.Fatalf("ready line: %+v", p.ready)
	}
	all := make([][]*websocket.Conn, len(p.Shards))
	for i, s := range p.Shards {
		for range n {
			c, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+s.Listen[0]+"/echo", nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			all[i] = append(all[i], c)
		}
	}
	return p, all
}

// freePorts returns the first of n free ports in a row.
func freePorts(t *testing.T, n int) string {
	t.Helper()
	for _, listen := range []string{"127.0.0.1:23100", "127.0.0.1:24100", "127.0.0.1:25100"} {
		if portsFree(listen, n) {
			return listen
		}
	}
	t.Fatalf("no %d free ports in a row", n)
	return ""
}

func portsFree(first string, n int) bool {
	c := settings{Listen: []string{first}, Ports: n}
	addresses, err := c.addresses(n)
	if err != nil {
		return false
	}
	for _, a := range addresses {
		resp, err := http.Get("http://" + a)
		if err == nil {
			resp.Body.Close()
			return false
		}
	}
	return true
}

func (p *process) shardStats(t *testing.T) *admin.Stats {
	t.Helper()
	resp, err := http.Get("http://" + p.Admin + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	s := new(admin.Stats)
	if err := json.NewDecoder(resp.Body).Decode(s); err != nil {
		t.Fatal(err)
	}
	return s
}

func echoes(t *testing.T, c *websocket.Conn) {
	t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.ReadMessage(); err != nil || string(got) != "hello" {
		t.Fatalf("echo %q, %v", got, err)
	}
}

// Shards look like one server, and drain as one.
func TestShards(t *testing.T) {
	p, conns := sharded(t, 2)
	s := p.settle(t)
	if s.PID != p.PID || s.Connections.Open != 6 || s.Connections.Upgraded != 6 || s.Process.Descriptors < 6 || len(s.Shards) != 3 {
		t.Errorf("sums: %+v", s)
	}
	for _, of := range conns {
		echoes(t, of[0])
	}
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for _, of := range conns {
		for _, c := range of {
			if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
				t.Errorf("a drained connection ends with %v", err)
			}
			c.Close()
		}
	}
	p.wantExit(t, 0)
}

// A shard that dies is counted and told of, and the others go on.
func TestShardDies(t *testing.T) {
	p, conns := sharded(t, 2)
	p.shardStats(t) // what each holds is known from the last answer
	victim := p.Shards[1].PID
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.wantSaid(t, "shard 1 (process ")
	p.wantSaid(t, "died: signal: killed; it had 2 connections")
	s := p.shardStats(t)
	if s.Connections.Open != 4 || s.Connections.LostWithShard != 2 || s.Connections.Upgraded != 6 {
		t.Errorf("sums after a death: %+v", s.Connections)
	}
	i := slices.IndexFunc(s.Shards, func(s admin.Shard) bool { return s.PID == victim })
	if i < 0 || s.Shards[i].Alive || s.Shards[i].Open != 2 || !strings.Contains(s.Shards[i].Exit, "killed") {
		t.Errorf("shards: %+v", s.Shards)
	}
	echoes(t, conns[0][0])
	echoes(t, conns[2][1])
	if _, _, err := conns[1][0].ReadMessage(); err == nil {
		t.Error("a connection of the dead shard lives")
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for _, c := range slices.Concat(conns...) {
		c.Close()
	}
	p.wantExit(t, 1)
	p.wantSaid(t, "1 of 3 shards died")
}

// Whatever becomes of the supervisor, no shard outlives it.
func TestSupervisorDies(t *testing.T) {
	p, conns := sharded(t, 1)
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, of := range conns {
		if _, _, err := of[0].ReadMessage(); err == nil {
			t.Error("a connection lives on")
		}
	}
	for _, s := range p.Shards {
		eventually(t, "the end of a shard", func() bool { return syscall.Kill(s.PID, 0) == syscall.ESRCH })
	}
}

func TestShardSettings(t *testing.T) {
	for _, c := range []struct {
		settings
		says string
	}{
		{settings{Shards: "auto"}, "needs --conns"},
		{settings{Shards: "many"}, `"many" is neither auto nor a number`},
		{settings{Shards: "0"}, `"0" is neither`},
		{settings{Shards: "4", Ports: 3, Listen: []string{"127.0.0.1:10000"}}, "less than one for each of 4 shards"},
		{settings{Shards: "4", Listen: []string{"127.0.0.1:65533"}}, "go beyond 65535"},
		{settings{Shards: "2", Listen: []string{"127.0.0.1:1", "127.0.0.1:9"}}, "give one"},
		{settings{Shards: "2", Listen: []string{"127.0.0.1:0"}}, "a number to count from"},
	} {
		n, _, err := c.division(engine.Entry{})
		if err == nil {
			_, err = c.addresses(n)
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %d %v: %v, want %q", c.Shards, c.Ports, c.Listen, err, c.says)
		}
	}
	args := []string{"serve", "--listen", "a:1", "--supervise", "--engine=x", "--admin=b:2", "--conns", "5", "--quiet"}
	if got, want := without(args, "supervise", "listen", "admin", "conns"), []string{"serve", "--engine=x", "--quiet"}; !slices.Equal(got, want) {
		t.Errorf("without: %q, want %q", got, want)
	}
}

// Tables have room for their part of the connections and an entry for each other.
func TestTablesFor(t *testing.T) {
	for _, c := range []struct{ conns, room, want int }{
		{1136, 1136, 1}, {1137, 1136, 2}, {4000, 1136, 4}, {4528, 1136, 4}, {4529, 1136, 5}, {1_000_000, 19_936, 51}, {1_000_000, 100, 50},
	} {
		if got := tablesFor(c.conns, c.room); got != c.want {
			t.Errorf("%d connections, room for %d: %d tables, want %d", c.conns, c.room, got, c.want)
		}
	}
}

// Each table has a listener of its own, or all of them where there are more.
func TestTablesAt(t *testing.T) {
	for _, c := range []struct{ ports, conns, room, want int }{
		{0, 60_000, 19_936, 4},
		{4, 60_000, 19_936, 4},
		{5, 60_000, 19_936, 4},
		{1000, 60_000, 19_936, 4},
		{1000, 75_000, 19_936, 4},
		{1000, 79_000, 19_936, 5}, // 4 x 19,932 without the listeners
		{2, 10_000, 19_936, 1},
	} {
		if got := tablesAt(c.ports, c.conns, c.room); got != c.want {
			t.Errorf("%d ports, %d connections: %d tables, want %d", c.ports, c.conns, got, c.want)
		}
	}
}
