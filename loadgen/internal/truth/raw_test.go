package truth

import (
	"os"
	"testing"
	"time"

	"signalbench/results"
)

// Each way to echo bytes over TCP, with messages of 8 B, one outstanding on each
// connection: every one comes back, the generator's books agree with the server's, and
// both end in good order.
func TestRawTCP(t *testing.T) {
	for _, kind := range []string{"goroutine", "epoll", "epolls", "prefork", "pool"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			const conns = 200
			s := start(t, "server", "tcp", "--kind", kind, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--quiet")
			var ready struct {
				Listen []string
				Admin  string
			}
			s.decode(t, &ready)
			g := generate(t, "tcp://"+ready.Listen[0], "--admin", "http://"+ready.Admin, "--conns", "200", "--ramp", "max", "--payload", "8B",
				"--first-echo", "--workload", "echo-closed", "--in-flight", "200", "--settle", "1ms", "--warmup", "50ms", "--duration", "300ms")
			run := g.finish(t, time.Minute, g.code(t, time.Minute))
			for _, f := range run.Findings {
				// Five at once leave the machine no time, and a window this short shows it.
				if f.Severity == results.Fatal && f.Check != results.CheckLittle && f.Check != results.CheckCPU {
					t.Errorf("%s: %s", f.Check, f.Text)
				}
			}
			ramp, window := phase(t, run, results.Ramp, ""), phase(t, run, results.Window, "echo-closed")
			if d := ramp.Dials; d.Upgraded != conns || metric(t, ramp, results.MetricConnect).Count != conns {
				t.Errorf("%+v", d)
			}
			if o := window.Ops; o.Completed == 0 || o.Completed != o.Scheduled || o.BytesReceived != 8*o.Completed {
				t.Errorf("%+v", o)
			}
			if run.Target.Engine != "tcp-"+kind {
				t.Errorf("the server is %q", run.Target.Engine)
			}
			if err := s.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if code := s.code(t, 20*time.Second); code != 0 {
				t.Errorf("the server ended with %d\n%s", code, &s.stderr)
			}
		})
	}
}
