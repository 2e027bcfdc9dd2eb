package trial

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"signalbench/loadgen/internal/target"
	"signalbench/results"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// often makes a run look around often, read no memory, and wait for none of the
// sockets that other tests have open.
var often = tempo{tick: 200 * time.Millisecond}

// watch is an observer that can act.
type watch struct {
	ticks []Snapshot
	act   func(Snapshot)
}

func (w *watch) Tick(s Snapshot) {
	w.ticks = append(w.ticks, s)
	if w.act != nil {
		w.act(s)
	}
}

// fatal lists the checks that make a run invalid. A test machine may be busy,
// which is no fault of what is tested here.
func fatal(r *results.Run) (checks []string) {
	for _, f := range r.Findings {
		if f.Severity == results.Fatal && f.Check != results.CheckLag && f.Check != results.CheckCPU && f.Check != results.CheckLittle {
			checks = append(checks, f.Check+" "+f.Phase+": "+f.Text)
		}
	}
	return checks
}

// books checks every phase's.
func books(t *testing.T, r *results.Run) {
	t.Helper()
	for _, p := range r.Phases {
		if o := p.Ops; o.Scheduled != o.Completed+o.Failed+o.Dropped {
			t.Errorf("%s: %+v does not add up", p.Name, o)
		}
		if d := p.Dials; d.Scheduled != d.Upgraded+d.Failed+d.Dropped {
			t.Errorf("%s: %+v does not add up", p.Name, d)
		}
	}
}

// Everything at once, on one ramp, plain and over TLS: the run is valid, and
// what was written is what was returned.
func TestAllWorkloads(t *testing.T) {
	for _, secure := range []bool{false, true} {
		name := map[bool]string{false: "ws", true: "wss"}[secure]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, secure, nil)
			p := s.plan(t, Hold, Echo, EchoClosed, Churn, Echo)
			p.FirstEcho, p.Plateaus = true, 2
			run, err := Run(context.Background(), p, new(watch))
			if err != nil {
				t.Fatal(err)
			}
			if bad := fatal(run); len(bad) > 0 {
				t.Errorf("invalid: %q", bad)
			}
			books(t, run)
			var names []string
			for _, ph := range run.Phases {
				names = append(names, ph.Name)
			}
			want := []string{
				"ramp", "settle", "hold/warm-up", "hold/window", "echo/warm-up", "echo/window", "echo/drain",
				"echo-closed/warm-up", "echo-closed/window", "echo-closed/drain", "churn/warm-up", "churn/window", "churn/drain",
				"echo-2/warm-up", "echo-2/window", "echo-2/drain", "teardown",
			}
			if !slices.Equal(names, want) {
				t.Errorf("phases %q", names)
			}
			phase := func(name string) results.Phase { return run.Phases[slices.Index(names, name)] }
			if d := phase("ramp").Dials; d.Upgraded != 20 || d.Scheduled != 20 {
				t.Errorf("ramp %+v", d)
			}
			if o := phase("ramp").Ops; o.Completed != 20 {
				t.Errorf("first echoes %+v", o)
			}
			for _, w := range []string{"echo/window", "echo-2/window"} {
				if o := phase(w).Ops; o.Completed != 150 {
					t.Errorf("%s: %d completed, want 150", w, o.Completed)
				}
			}
			// How many these two do in their time is for the machine to say.
			if o := phase("echo-closed/window").Ops; o.Completed == 0 || o.Failed > 0 {
				t.Errorf("closed loop %+v", o)
			}
			if d := phase("churn/window").Dials; d.Upgraded == 0 || d.Failed > 0 {
				t.Errorf("churn %+v", d)
			}
			for _, m := range []string{results.MetricConnect, results.MetricUpgrade, results.MetricDial, results.MetricFirstEcho, results.MetricTLS} {
				r := phase("ramp")
				if got, ok := r.Metric(m); ok != (m != results.MetricTLS || secure) || ok && got.Count+got.Below != 20 {
					t.Errorf("ramp has %s: %v, %+v", m, ok, got)
				}
			}
			if n := len(run.Ledger.Readings); n != 2+2*2+5 {
				t.Errorf("%d readings", n)
			}
			if last := run.Ledger.Readings[len(run.Ledger.Readings)-1]; last.Kind != results.Peak || last.Conns != 20 {
				t.Errorf("last reading %s at %d connections", last.Kind, last.Conns)
			}
			if s.closed.Load() < 20 {
				t.Errorf("%d of 20 connections ended with a closing handshake", s.closed.Load())
			}
			stored, err := results.Open(p.Out)
			if err != nil {
				t.Fatal(err)
			}
			if stored.Verdict != run.Verdict || len(stored.Phases) != len(run.Phases) {
				t.Errorf("stored %s with %d phases, returned %s with %d", stored.Verdict, len(stored.Phases), run.Verdict, len(run.Phases))
			}
			for _, ph := range stored.Phases {
				for _, m := range ph.Metrics {
					if m.Count == 0 {
						continue
					}
					h, err := results.OpenHistogram(p.Out, m.File)
					if err != nil || h.Count() != m.Count || h.Max() != m.Max {
						t.Errorf("%s of %s: %v, %v; want %d values up to %v", m.Name, ph.Name, h, err, m.Count, m.Max)
					}
				}
			}
		})
	}
}

// A run over several seconds has a row for each.
func TestSeries(t *testing.T) {
	t.Parallel()
	s := serve(t, false, nil)
	p := s.plan(t, Echo)
	p.WarmUp, p.Window = 0, 2200*time.Millisecond
	w := new(watch)
	run, err := run(context.Background(), p, w, tempo{tick: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := results.OpenSeries(p.Out)
	if err != nil || len(rows) < 2 || len(rows) != len(w.ticks) {
		t.Fatalf("%d rows, %d ticks, %v", len(rows), len(w.ticks), err)
	}
	// The window has two whole seconds, or nearly.
	i := slices.IndexFunc(rows, func(r results.SeriesRow) bool { return r.Phase == "echo/window" && r.Sent > 250 })
	if i < 0 {
		t.Fatalf("no row of the window in %+v", rows)
	}
	if r := rows[i]; r.Connected != 20 || r.Received < 250 || r.P50 <= 0 || r.ClientRSS <= 0 || r.ServerRSS != -1 {
		t.Errorf("row %+v", r)
	}
	for _, ph := range run.Phases {
		if ph.Kind == results.Window {
			intervals, err := results.OpenIntervals(p.Out, results.HlogFile(ph.Name, results.MetricResponse))
			if err != nil || len(intervals) < 2 {
				t.Errorf("%d intervals, %v", len(intervals), err)
			}
			if ph.Length != p.Window || ph.Offered != 500 {
				t.Errorf("%v long, %v/s offered", ph.Length, ph.Offered)
			}
		}
	}
}

// A server that goes away ends the run soon, and the run says so.
func TestServerDies(t *testing.T) {
	for _, w := range []string{Hold, Echo, EchoClosed, Churn} {
		t.Run(w, func(t *testing.T) {
			t.Parallel()
			s := serve(t, false, nil)
			p := s.plan(t, w)
			p.Window = time.Minute
			start := time.Now()
			run, err := run(context.Background(), p, &watch{act: func(sn Snapshot) {
				if strings.HasSuffix(sn.Phase, "/window") {
					s.die()
				}
			}}, often)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
			if run.Verdict != results.Invalid || !run.Partial || !slices.ContainsFunc(run.Findings, func(f results.Finding) bool { return f.Check == results.CheckServerAlive }) {
				t.Errorf("%s, partial %v, %q", run.Verdict, run.Partial, fatal(run))
			}
			books(t, run)
			if _, err := results.Open(p.Out); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("in the ramp", func(t *testing.T) {
		t.Parallel()
		s := serve(t, false, func(s *server) {
			s.upgraded = func(n int64) {
				if n == 10 {
					go s.die()
				}
			}
		})
		p := s.plan(t, Echo)
		p.Conns, p.Ramp = 1000, 20 // 50 s
		run, err := run(context.Background(), p, new(watch), often)
		if err != nil {
			t.Fatal(err)
		}
		if run.Verdict != results.Invalid || !run.Partial || len(run.Phases) != 2 || run.Ended.Sub(run.Started) > 20*time.Second {
			t.Errorf("%s, partial %v, %d phases, %v", run.Verdict, run.Partial, len(run.Phases), run.Ended.Sub(run.Started))
		}
		books(t, run)
	})
}

// An interrupt in any phase keeps what was measured until then.
func TestInterrupted(t *testing.T) {
	for _, in := range []string{"ramp", "settle", "hold/window", "echo/warm-up", "echo/window", "echo/drain", "echo-closed/window", "churn/window"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			s := serve(t, false, func(s *server) {
				if in == "echo/drain" {
					s.answer = func(net.Conn, ws.Frame) {} // nothing is ever answered
				}
			})
			workload, _, _ := strings.Cut(in, "/")
			if workload == in {
				workload = Hold
			}
			p := s.plan(t, workload)
			// The phase in question is the one that lasts.
			switch {
			case in == "ramp":
				p.Ramp = 2
			case in == "settle":
				p.Settle = time.Minute
			case strings.HasSuffix(in, "/warm-up"):
				p.WarmUp = time.Minute
			case strings.HasSuffix(in, "/drain"):
				p.Drain = time.Minute
			default:
				p.Window = time.Minute
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			run, err := run(ctx, p, &watch{act: func(sn Snapshot) {
				if sn.Phase == in && sn.Connected > 0 {
					cancel()
				}
			}}, often)
			if err != nil {
				t.Fatal(err)
			}
			if !run.Partial || run.Verdict != results.Invalid {
				t.Errorf("partial %v, %s", run.Partial, run.Verdict)
			}
			books(t, run)
			if last := run.Phases[len(run.Phases)-2]; last.Name != in || last.Length <= 0 || last.Length > 30*time.Second {
				t.Errorf("interrupted in %s, lasting %v", last.Name, last.Length)
			}
			if stored, err := results.Open(p.Out); err != nil || !stored.Partial {
				t.Errorf("stored %+v, %v", stored, err)
			}
			if in == "echo/window" {
				if o := run.Phases[3].Ops; o.Completed < 10 {
					t.Errorf("kept %+v", o)
				}
			}
		})
	}
}

// Faults of the server are in the counts and make the run invalid.
func TestFaults(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	s := serve(t, false, func(s *server) {
		s.answer = func(c net.Conn, f ws.Frame) {
			out := ws.MustCompileFrame(ws.NewFrame(f.Header.OpCode, true, f.Payload))
			switch n.Add(1) {
			case 100:
				return
			case 101:
				_, _ = c.Write(out)
			case 102:
				out[len(out)-1] ^= 1
			}
			_, _ = c.Write(out)
		}
	})
	p := s.plan(t, Echo)
	p.WarmUp, p.Drain = 0, 200*time.Millisecond
	run, err := run(context.Background(), p, new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	books(t, run)
	o := run.Phases[2].Ops
	if o.Missing != 1 || o.Duplicate != 1 || o.Corrupt != 1 || o.Failed != 2 || o.Scheduled != 150 || run.Verdict != results.Invalid {
		t.Errorf("%s %+v", run.Verdict, o)
	}
}

// A server that answers each message half a window late has completed about
// half of the load by the end of the window, although the drain brings the rest.
func TestOverload(t *testing.T) {
	t.Parallel()
	var late sync.WaitGroup
	s := serve(t, false, func(s *server) {
		s.answer = func(c net.Conn, f ws.Frame) {
			out := ws.MustCompileFrame(ws.NewFrame(f.Header.OpCode, true, f.Payload))
			late.Add(1)
			time.AfterFunc(250*time.Millisecond, func() { defer late.Done(); _, _ = c.Write(out) })
		}
	})
	t.Cleanup(late.Wait)
	p := s.plan(t, Echo)
	p.FirstEcho, p.Rate, p.WarmUp, p.Window, p.Drain = false, 50, 0, 500*time.Millisecond, 5*time.Second
	run, err := run(context.Background(), p, new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	books(t, run)
	w := run.Phases[2]
	if w.Ops.Completed != w.Ops.Scheduled || w.Achieved > 0.6*w.Offered {
		t.Errorf("achieved %.1f/s of %.1f/s with %+v; half was answered in time", w.Achieved, w.Offered, w.Ops)
	}
	if !slices.ContainsFunc(run.Findings, func(f results.Finding) bool { return f.Check == results.CheckAchieved }) {
		t.Errorf("no finding says that the server did not keep up: %+v", run.Findings)
	}
}

func TestPreflight(t *testing.T) {
	answer := func(text string) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = c.Read(make([]byte, 4096))
				_, _ = c.Write([]byte(text))
				if text != "" {
					c.Close()
				} else {
					defer c.Close()
				}
			}
		}()
		t.Cleanup(func() { l.Close(); <-done })
		return "ws://" + l.Addr().String() + "/"
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	secure := serve(t, true, nil)
	plain := serve(t, false, nil)
	// None but the silent one may be waited for in vain: a TLS handshake takes its
	// time on a busy machine.
	patience := func(name string) time.Duration {
		if name == "silence" {
			return 300 * time.Millisecond
		}
		return 20 * time.Second
	}
	for _, tc := range []struct{ name, url, says string }{
		{"refused", "ws://" + closed.Addr().String() + "/", "start the server first"},
		{"status 200", answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "got status 200 OK"},
		{"status 403", answer("HTTP/1.1 403 Forbidden\r\n\r\n"), "--origin"},
		{"garbage", answer("220 mail.example.com ESMTP\r\n"), "no WebSocket server"},
		{"wrong accept", answer("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"), "wrong Sec-WebSocket-Accept"},
		{"half an answer", answer("HTTP/1.1 101 S\r\n"), "closed the connection"},
		{"silence", answer(""), "--dial-timeout"},
		{"untrusted", secure.url(), "--insecure"},
		{"no TLS", strings.Replace(plain.url(), "ws:", "wss:", 1), "use ws://"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := plain.plan(t, Hold)
			tg, err := target.Resolve(context.Background(), []string{tc.url}, "")
			if err != nil {
				t.Fatal(err)
			}
			p.Target, p.TLS, p.DialTimeout = tg, &tls.Config{ServerName: "127.0.0.1"}, patience(tc.name)
			_, err = Run(context.Background(), p, new(watch))
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want a sentence with %q", err, tc.says)
			}
			if _, err := os.Stat(p.Out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s exists: %v", p.Out, err)
			}
			if left, _ := os.ReadDir(filepath.Dir(p.Out)); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
