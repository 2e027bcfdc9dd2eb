package trial

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/target"
	"signalbench/results"
)

// A broker is a server whose connections subscribe by their path, with its admin
// listener.
type broker struct {
	*server
	admin *httptest.Server
	lie   uint64 // added to what it says it has sent

	mu      sync.Mutex
	members map[string]net.Conn
	paths   map[net.Conn]string
	pings   uint64
}

func serveBroker(t *testing.T, secure bool, lie uint64) *broker {
	t.Helper()
	b := &broker{lie: lie, members: make(map[string]net.Conn), paths: make(map[net.Conn]string)}
	b.server = serve(t, secure, func(s *server) { s.subscribed, s.closing = b.enter, b.leave })
	mux := http.NewServeMux()
	mux.HandleFunc("POST /publish/{channel}", b.publish)
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"engine": "test", "pid": os.Getpid(), "service": map[string]any{
			"channels": map[string]any{"subscribers": len(b.members), "pings": b.pings + b.lie*min(b.pings, 1)},
		}})
	})
	b.admin = httptest.NewServer(mux)
	t.Cleanup(b.admin.Close)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				b.ping()
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
	return b
}

func (b *broker) enter(c net.Conn, path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.members[path], b.paths[c] = c, path
}

func (b *broker) leave(c net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.members, b.paths[c])
	delete(b.paths, c)
}

// ping shows everybody that the server lives, once all are there.
func (b *broker) ping() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.members) < 20 {
		return
	}
	for _, c := range b.members {
		if _, err := c.Write(ws.MustCompileFrame(ws.NewTextFrame(nil))); err == nil {
			b.pings++
		}
	}
}

func (b *broker) publish(w http.ResponseWriter, r *http.Request) {
	message, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	receivers := 0
	if c := b.members["/channel/"+r.PathValue("channel")]; c != nil {
		if _, err := c.Write(ws.MustCompileFrame(ws.NewTextFrame(message))); err == nil {
			receivers = 1
		}
	}
	fmt.Fprintf(w, "{\"receivers\":%d}", receivers)
}

// plan is a short run in which each connection has a channel of its own.
func (b *broker) plan(t *testing.T, workloads ...string) *Plan {
	t.Helper()
	p := b.server.plan(t, workloads...)
	var err error
	if p.Target, err = target.Resolve(t.Context(), []string{strings.ReplaceAll(b.url(), "/echo", "/channel/{i}")}, ""); err != nil {
		t.Fatal(err)
	}
	p.Subscribe, p.Admin, p.Probe = true, b.admin.URL, 50*time.Millisecond
	return p
}

// Held connections get probes and then what is pushed, also where they are TLS and the
// admin listener is not; and all of the server's own messages.
func TestHoldAndPush(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{false: "ws", true: "wss"}[secure], func(t *testing.T) {
			t.Parallel()
			b := serveBroker(t, secure, 0)
			p := b.plan(t, Hold, Push)
			seen := new(watch)
			run, err := run(context.Background(), p, seen, tempo{tick: 20 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if bad := fatal(run); len(bad) > 0 {
				t.Errorf("invalid: %q", bad)
			}
			books(t, run)
			hold, push := named(t, run, "hold/window"), named(t, run, "push/window")
			if o := hold.Probes; o.Scheduled != 6 || o.Completed != 6 {
				t.Errorf("probes %+v", o)
			}
			if o := push.Ops; o.Completed != 150 || push.Model != results.OpenLoop || push.Offered != 500 || o.BytesReceived != 150*128 {
				t.Errorf("%+v", push)
			}
			for _, name := range []string{results.MetricResponse, results.MetricService, results.MetricLag} {
				if m, _ := push.Metric(name); m.Count+m.Below != 150 {
					t.Errorf("%s has %d values", name, m.Count+m.Below)
				}
			}
			if c := run.Pings; c == nil || c.Received == 0 || hold.Pings == 0 || push.Pings == 0 {
				t.Errorf("pings %+v, %d and %d", c, hold.Pings, push.Pings)
			}
			if s := run.Spec; s.Proto != "channel" || s.Rate != 500 {
				t.Errorf("%+v", s)
			}
			latencies := 0
			for _, s := range seen.ticks {
				if s.Latency > 0 {
					latencies++
				}
			}
			if latencies == 0 {
				t.Error("no probe was told of")
			}
		})
	}
}

// A server that says it sent more than came makes the run invalid.
func TestPingsThatDidNotCome(t *testing.T) {
	t.Parallel()
	b := serveBroker(t, false, 1_000_000)
	run, err := run(context.Background(), b.plan(t, Hold), new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	if bad := fatal(run); run.Verdict != results.Invalid || len(bad) != 1 || !strings.Contains(bad[0], results.CheckPings) {
		t.Errorf("%s %q", run.Verdict, bad)
	}
}

// An admin listener that is gone when the run begins is named.
func TestNoAdminListener(t *testing.T) {
	t.Parallel()
	b := serveBroker(t, false, 0)
	p := b.plan(t, Push)
	b.admin.Close()
	if _, err := Run(context.Background(), p, new(watch)); err == nil || !strings.Contains(err.Error(), "admin listener") {
		t.Errorf("got %v", err)
	}
}

func TestCheckSubscribe(t *testing.T) {
	t.Parallel()
	b := serveBroker(t, false, 0)
	for want, change := range map[string]func(*Plan){
		"needs --proto channel":     func(p *Plan) { p.Subscribe = false },
		"name it with --admin":      func(p *Plan) { p.Admin = "" },
		"needs --rate":              func(p *Plan) { p.Rate = 0 },
		"take 32 B":                 func(p *Plan) { p.Payload = 31 },
		"is not answered; there":    func(p *Plan) { p.Workloads = []string{Push, Echo} },
		"--first-echo with":         func(p *Plan) { p.FirstEcho = true },
		"one channel for all":       func(p *Plan) { p.Target = b.server.plan(t).Target },
		"--silence -1s is negative": func(p *Plan) { p.Silence = -time.Second },
	} {
		p := b.plan(t, Push)
		change(p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	p := b.plan(t, Hold)
	p.Probe, p.Admin = 0, ""
	if err := p.Check(); err != nil {
		t.Errorf("held subscribers alone: %v", err)
	}
}
