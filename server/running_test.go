package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"signalbench/server/admin"
	"signalbench/server/engine"
)

// patience bounds every wait for another process.
const patience = 20 * time.Second

// A process is the server as a process of its own.
type process struct {
	ready
	cmd *exec.Cmd

	mu     sync.Mutex
	stderr bytes.Buffer
	exited chan struct{}
}

// startProcess starts the test binary as the server and waits for its ready line.
// The words before, if any, are a command that runs it.
func startProcess(t *testing.T, before []string, args ...string) *process {
	t.Helper()
	self, err := exec.LookPath("server") // testscript.Main put it there
	if err != nil {
		t.Fatal(err)
	}
	argv := append(append(before, self), args...)
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), exited: make(chan struct{})}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &p.ready)
	}
	go func() {
		defer close(p.exited)
		if rest, _ := io.ReadAll(lines); len(rest) > 0 {
			t.Errorf("after the ready line came %q", rest)
		}
		_ = p.cmd.Wait() // the code is in ProcessState
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
	if err != nil {
		t.Fatalf("ready line %q: %v\n%s", line, err, p.said())
	}
	return p
}

// Write collects what the process says on stderr.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// wantSaid waits until the process has said something.
func (p *process) wantSaid(t *testing.T, what string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%q on stderr", what), func() bool { return strings.Contains(p.said(), what) })
}

// wantExit waits for the end.
func (p *process) wantExit(t *testing.T, code int) {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatalf("still running\n%s", p.said())
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d\n%s", got, code, p.said())
	}
}

// settle makes the process free what it can and returns what it holds then.
func (p *process) settle(t *testing.T) *admin.Stats {
	t.Helper()
	tr := &http.Transport{DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.Admin+"/settle", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
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

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// dialEcho connects to a server and makes one echo.
func dialEcho(t *testing.T, address string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.DefaultDialer.Dial("ws://"+address+"/echo", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	wantEcho(t, c)
	return c
}

func wantEcho(t *testing.T, c *websocket.Conn) {
	t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte("salut")); err != nil {
		t.Fatal(err)
	}
	if _, p, err := c.ReadMessage(); err != nil || string(p) != "salut" {
		t.Fatalf("echo %q, %v", p, err)
	}
}

// wantClose reads until the close frame.
func wantClose(t *testing.T, c *websocket.Conn, code int) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, code) {
		t.Errorf("read %v, want close %d", err, code)
	}
}

// measured returns the engines that are measured without being named.
func measured() []engine.Entry {
	return slices.DeleteFunc(slices.Clone(engines), func(e engine.Entry) bool { return e.Optional || len(e.Lesson) > 0 })
}

func TestSignalDrains(t *testing.T) {
	t.Parallel()
	for _, e := range measured() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, nil, "--engine", e.Name, "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
			if p.PID != p.cmd.Process.Pid || p.ready.Engine != e.Name || len(p.Listen) != 2 {
				t.Errorf("ready line %+v", p.ready)
			}
			wantRoom(t, p.PID)
			first, second := dialEcho(t, p.Listen[0]), dialEcho(t, p.Listen[1])
			p.wantSaid(t, "connected=2 failed=0\n")
			ours := watch(t.Context(), p.Admin)
			defer ours.close()
			s, err := ours.stats()
			if err != nil {
				t.Fatal(err)
			}
			if s.Engine != e.Name || s.PID != p.PID || s.Connections.Open != 2 || s.Config["engine"] != e.Name {
				t.Errorf("stats %+v", s)
			}
			if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			wantClose(t, first, websocket.CloseGoingAway)
			wantClose(t, second, websocket.CloseGoingAway)
			p.wantExit(t, 0)
		})
	}
}

func TestSecondSignalCuts(t *testing.T) {
	t.Parallel()
	p := startProcess(t, nil, "--engine", "gobwas", "--listen", "127.0.0.1:0", "--drain-timeout", "10m", "--quiet")
	c := dialEcho(t, p.Listen[0])
	c.SetCloseHandler(func(int, string) error { return nil }) // never answers
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	wantClose(t, c, websocket.CloseGoingAway)
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.wantExit(t, interrupted)
	if strings.Contains(p.said(), "elapsed=") {
		t.Errorf("a quiet server said %s", p.said())
	}
}

func TestDrainThatHadToCutIsAnError(t *testing.T) {
	t.Parallel()
	p := startProcess(t, nil, "--engine", "gorilla", "--listen", "127.0.0.1:0", "--drain-timeout", "50ms")
	c := dialEcho(t, p.Listen[0])
	c.SetCloseHandler(func(int, string) error { return nil })
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	wantClose(t, c, websocket.CloseGoingAway)
	p.wantExit(t, 1)
	p.wantSaid(t, "drain deadline passed")
}

// A server that has run out of descriptors goes on with those that it has and
// takes the others in when some come free.
func TestOutOfDescriptors(t *testing.T) {
	t.Parallel()
	const limit, clients = 40, 60
	for _, e := range measured() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, limit)},
				"--engine", e.Name, "--listen", "127.0.0.1:0", "--quiet")
			results := make(chan *websocket.Conn)
			for range clients {
				go func() {
					c, _, err := websocket.DefaultDialer.Dial("ws://"+p.Listen[0]+"/echo", nil)
					if err != nil {
						c = nil
					}
					results <- c
				}()
			}
			p.wantSaid(t, "too many open files")
			// Each one that gets in makes room for another, until all have been in.
			for n := range clients {
				select {
				case c := <-results:
					if c == nil {
						t.Errorf("client %d was turned away", n)
						continue
					}
					wantEcho(t, c)
					c.Close()
				case <-time.After(patience):
					t.Fatalf("%d of %d clients got in", n, clients)
				}
			}
			if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			p.wantExit(t, 0)
		})
	}
}

func TestConformOverTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t, t.TempDir())
	p := startProcess(t, nil, "--engine", "gorilla-lean", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
		"--tls-cert", cert, "--tls-key", key, "--origin", "https://a.test", "--origin", "https://b.test,c", "--max-message", "64KiB")
	var out, diagnostics bytes.Buffer
	err := run(t.Context(), []string{"conform", "--url", "wss://" + p.Listen[0] + "/echo", "--admin", p.Admin, "--insecure",
		"--quick", "--json", "--filter", "^(handshake|limit)/"}, &out, &diagnostics)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out.Bytes(), diagnostics.Bytes())
	}
	var got struct {
		Passed, Skipped int
		Failed          []any
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Passed < 20 || got.Skipped > 0 || len(got.Failed) > 0 {
		t.Errorf("report %s, %v", out.Bytes(), err)
	}
	ours := watch(t.Context(), p.Admin)
	defer ours.close()
	s, err := ours.stats()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%v %v %v", s.Config["origin"], s.Config["max-message"], s.Config["read-timeout"]), "[https://a.test https://b.test,c] 65536 10m0s"; got != want {
		t.Errorf("config says %s, want %s", got, want)
	}
}

func TestConformTellsWhatFails(t *testing.T) {
	t.Parallel()
	// A server that answers nothing but a connection.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	var out, diagnostics bytes.Buffer
	err = run(t.Context(), []string{"conform", "--url", "ws://" + l.Addr().String() + "/echo", "--filter", "^close/empty$"}, &out, &diagnostics)
	if err == nil || !strings.Contains(err.Error(), "fails 1 of the kit's cases, the first is close/empty") {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(out.String(), "FAILED") {
		t.Errorf("report %s", out.String())
	}
}
