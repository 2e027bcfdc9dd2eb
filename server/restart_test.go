package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gorilla/websocket"
)

// restart asks for a restart and returns the status and the new pids.
func (p *process) restart(t *testing.T) (int, []int) {
	t.Helper()
	resp, err := http.Post("http://"+p.Admin+"/restart", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ PIDs []int }
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, &said); err != nil {
			t.Fatalf("answered %q: %v", body, err)
		}
	}
	return resp.StatusCode, said.PIDs
}

// What serves under a supervisor is killed and serves again on the same ports when
// the restart is answered; the supervisor stays, and nobody is told dead.
func TestRestart(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
	}{
		{"one process", []string{"--engine", "gobwas", "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"}},
		{"descriptor tables", []string{"--engine", "netpoll", "--shards", "auto", "--conns", "4000"}},
		{"three processes", []string{"--engine", "netpoll", "--shards", "3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := c.args
			var before []string
			switch c.name {
			case "descriptor tables":
				before = []string{"prlimit", "--nofile=1200"}
				args = append(args, "--listen", freePorts(t, 4))
			case "three processes":
				args = append(args, "--listen", freePorts(t, 3))
			}
			p := startProcess(t, before, append(args, "--supervise", "--admin", "127.0.0.1:0")...)
			if c.name == "descriptor tables" && p.Tables < 2 {
				t.Errorf("ready line %+v", p.ready)
			}
			listen := p.Listen
			rounds := 1
			if len(listen) == 2 {
				rounds = 2
			}
			for round := 1; round <= rounds; round++ {
				var conns []*websocket.Conn
				for _, a := range listen {
					conns = append(conns, dialEcho(t, a))
				}
				old := p.shardStats(t)
				status, pids := p.restart(t)
				if status != http.StatusOK || len(pids) != len(p.Shards) {
					t.Fatalf("answered %d with pids %v\n%s", status, pids, p.said())
				}
				for _, conn := range conns {
					if _, _, err := conn.ReadMessage(); err == nil {
						t.Error("a connection lives on")
					}
				}
				s := p.shardStats(t)
				if s.PID != p.PID || s.Restarts != round || s.Connections.Open != 0 || s.Connections.LostWithShard != uint64(round*len(listen)) || s.Connections.Upgraded != uint64(round*len(listen)) {
					t.Errorf("restart %d: pid %d, %d restarts, %+v", round, s.PID, s.Restarts, s.Connections)
				}
				for i, shard := range s.Shards {
					if !shard.Alive || !slices.Contains(pids, shard.PID) || shard.PID == old.Shards[i].PID {
						t.Errorf("shard %d is %+v; before %+v, answered %v", i, shard, old.Shards[i], pids)
					}
				}
			}
			for _, a := range listen {
				dialEcho(t, a).Close()
			}
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			p.wantExit(t, 0)
			if strings.Contains(p.said(), "died") {
				t.Errorf("said %s", p.said())
			}
		})
	}
}

// A shard that died before is not forgotten for a restart.
func TestRestartAfterDeath(t *testing.T) {
	p := startProcess(t, nil, "--engine", "netpoll", "--shards", "2", "--listen", freePorts(t, 2), "--admin", "127.0.0.1:0")
	if err := syscall.Kill(p.Shards[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.wantSaid(t, "died: signal: killed")
	if status, pids := p.restart(t); status != http.StatusOK || len(pids) != 2 {
		t.Fatalf("answered %d with pids %v", status, pids)
	}
	for _, a := range p.Listen {
		dialEcho(t, a).Close()
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wantExit(t, 1)
	p.wantSaid(t, "1 of 4 shards died")
}

// A restart that fails ends the server, which says why.
func TestRestartFails(t *testing.T) {
	cert, key := certificate(t, t.TempDir())
	p := startProcess(t, nil, "--engine", "gobwas", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--supervise", "--tls-cert", cert, "--tls-key", key)
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	if status, _ := p.restart(t); status != http.StatusInternalServerError {
		t.Errorf("answered %d", status)
	}
	p.wantExit(t, 1)
	p.wantSaid(t, "server: restarting: shard 0: was not ready")
}

// A server that is its own process cannot be restarted by asking it.
func TestNoRestart(t *testing.T) {
	p := startProcess(t, nil, "--engine", "gobwas", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
	if status, _ := p.restart(t); status != http.StatusNotFound {
		t.Errorf("answered %d", status)
	}
}
