package trial

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"signalbench/loadgen/internal/workload"
	"signalbench/results"
)

// endAll ends every connection; the server goes on.
func (s *server) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}

// again listens where the server listened before it died.
func (s *server) again(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", s.l.Addr().String())
	if err != nil {
		t.Error(err)
		return
	}
	s.mu.Lock()
	s.l = l
	s.mu.Unlock()
	s.all.Go(func() { s.accept(l) })
}

func (s *server) stormy(t *testing.T, by string) *Plan {
	t.Helper()
	p := s.plan(t, Storm)
	p.Storm, p.Backoffs, p.StormLimit = by, []workload.Backoff{{}}, 10*time.Second
	return p
}

// stormOf is the run's first storm.
func stormOf(t *testing.T, run *results.Run) *results.Phase {
	t.Helper()
	for i := range run.Phases {
		if run.Phases[i].Storm != nil {
			return &run.Phases[i]
		}
	}
	t.Fatalf("the run has no storm: %+v", run.Findings)
	return nil
}

// Each way to wait is a storm of its own, and the load after them finds all
// connections in place.
func TestStormReset(t *testing.T) {
	t.Parallel()
	s := serve(t, false, nil)
	p := s.stormy(t, results.StormReset)
	p.Workloads = []string{Storm, Echo}
	p.Backoffs = []workload.Backoff{{}, {Min: 50 * time.Millisecond, Max: time.Second}}
	run, err := run(context.Background(), p, new(watch), often)
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
		if ph.Workload != Storm {
			continue
		}
		st := ph.Storm
		if st.By != results.StormReset || st.Open != 20 || st.Lost != 20 || st.Back != 20 || st.Attempts != 20 || st.Recovery <= 0 || st.PeakBack != 20 || ph.Dials.Upgraded != 20 || ph.Dials.Lost != 0 {
			t.Errorf("%s: %+v, %+v", ph.Name, *st, ph.Dials)
		}
		for _, m := range []string{results.MetricRecovery, results.MetricDial, results.MetricConnect, results.MetricUpgrade} {
			if got, ok := ph.Metric(m); !ok || got.Count+got.Below != 20 {
				t.Errorf("%s: %s %+v", ph.Name, m, got)
			}
		}
	}
	if want := []string{"ramp", "settle", "storm-1/window", "storm-2/window", "echo/warm-up", "echo/window", "echo/drain", "teardown"}; !slices.Equal(names, want) {
		t.Errorf("phases %q", names)
	}
	if want := []string{"none", "50ms..1s"}; !slices.Equal(run.Spec.Backoffs, want) || run.Phases[3].Storm.Backoff != want[1] {
		t.Errorf("backoffs %q", run.Spec.Backoffs)
	}
}

// In silence it is the server that ends connections.
func TestStormSilence(t *testing.T) {
	t.Parallel()
	s := serve(t, false, nil)
	var once sync.Once
	run, err := run(context.Background(), s.stormy(t, results.StormSilence), &watch{act: func(sn Snapshot) {
		if sn.Phase == "storm/window" {
			once.Do(s.endAll)
		}
	}}, often)
	if err != nil {
		t.Fatal(err)
	}
	if bad := fatal(run); len(bad) > 0 {
		t.Errorf("invalid: %q", bad)
	}
	if ph := stormOf(t, run); ph.Storm.Lost != 20 || ph.Storm.Back != 20 || ph.Dials.Lost != 20 || ph.Dials.Causes[results.CauseClosed] != 20 {
		t.Errorf("%+v, %+v", *ph.Storm, ph.Dials)
	}
}

// A server that ends nobody makes no storm.
func TestStormThatIsNone(t *testing.T) {
	t.Parallel()
	s := serve(t, false, nil)
	p := s.stormy(t, results.StormSilence)
	p.StormLimit = 300 * time.Millisecond
	run, err := run(context.Background(), p, new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	if bad := fatal(run); len(bad) != 1 || !strings.HasPrefix(bad[0], results.CheckStorm+" storm/window: expected all 20 connections to be lost by silence") {
		t.Errorf("findings %q", bad)
	}
	books(t, run)
}

// A restart ends the server's connections and, for a while, whoever listens.
func TestStormRestart(t *testing.T) {
	t.Parallel()
	s := serve(t, false, nil)
	admin := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodPost || req.URL.Path != "/restart" {
			t.Errorf("asked for %s %s", req.Method, req.URL)
		}
		s.die()
		time.Sleep(250 * time.Millisecond) // it takes a while to start
		s.again(t)
	}))
	defer admin.Close()
	p := s.stormy(t, results.StormRestart)
	p.RestartURL = admin.URL + "/restart"
	run, err := run(context.Background(), p, new(watch), often)
	if err != nil {
		t.Fatal(err)
	}
	if bad := fatal(run); len(bad) > 0 {
		t.Errorf("invalid: %q", bad)
	}
	books(t, run)
	ph := stormOf(t, run)
	if st := ph.Storm; st.Lost != 20 || st.Back != 20 || st.Recovery < 200*time.Millisecond || st.Attempts < 40 || ph.Dials.Failed < 20 {
		t.Errorf("%+v, %+v", *st, ph.Dials)
	}
	if !slices.ContainsFunc(run.Findings, func(f results.Finding) bool {
		return f.Check == results.CheckStorm && f.Severity == results.Note && strings.Contains(f.Text, "were tried again")
	}) {
		t.Errorf("findings %+v", run.Findings)
	}
}

// A server that does not come back is not waited for for ever, and one that cannot
// be restarted is said to be so.
func TestStormWithoutEnd(t *testing.T) {
	for name, says := range map[string]string{"gone": "to be back within 400ms, 20 were not (connection refused)", "refuses": "the server was not restarted: POST"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, false, nil)
			admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if name == "refuses" {
					http.Error(w, "not for you", http.StatusForbidden)
					return
				}
				s.die()
			}))
			defer admin.Close()
			p := s.stormy(t, results.StormRestart)
			p.RestartURL, p.StormLimit = admin.URL, 400*time.Millisecond
			run, err := run(context.Background(), p, new(watch), often)
			if err != nil {
				t.Fatal(err)
			}
			if bad := fatal(run); !slices.ContainsFunc(bad, func(f string) bool { return strings.Contains(f, says) }) {
				t.Errorf("findings %q", bad)
			}
			books(t, run)
		})
	}
}
