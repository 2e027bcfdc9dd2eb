package trial

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"signalbench/results"
)

// machine is a /proc of which a test says what memory is left.
type machine struct {
	t    *testing.T
	proc string
}

func newMachine(t *testing.T, free int) *machine {
	m := &machine{t, t.TempDir()}
	m.set("meminfo", meminfo(free))
	return m
}

// meminfo is that of a machine with 8 GiB, of which some MiB are free.
func meminfo(free int) string {
	return fmt.Sprintf("MemTotal: %d kB\nMemFree: %d kB\n", 8<<20, free<<10)
}

// set replaces a file as a whole.
func (m *machine) set(name, text string) {
	path := filepath.Join(m.proc, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Error(err)
	}
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		m.t.Error(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		m.t.Error(err)
	}
}

// overflows sets how often a backlog overflowed.
func (m *machine) overflows(n int) {
	m.set("self/net/netstat", fmt.Sprintf("TcpExt: SyncookiesSent ListenOverflows\nTcpExt: 0 %d\n", n))
}

// ramps returns what the run says about its ramp.
func ramps(r *results.Run) (list []results.Finding) {
	for _, f := range r.Findings {
		if f.Check == results.CheckRamp {
			list = append(list, f)
		}
	}
	return list
}

// stuck is a server that upgrades 30 connections and those of the rehearsal, and
// leaves all others waiting until the test is over.
func stuck(t *testing.T) *server {
	t.Helper()
	over := make(chan struct{})
	s := serve(t, false, func(s *server) {
		s.upgrading = func(n int64) {
			if n > 3+30 {
				<-over
			}
		}
	})
	t.Cleanup(func() { close(over) }) // before the server's own
	return s
}

// A ramp that stands still says so once, and why by the counters; after two
// timeouts of a dial it ends, and what was not dialled has a cause of its own.
func TestRampStandsStill(t *testing.T) {
	t.Parallel()
	s := stuck(t)
	p := s.plan(t, Hold)
	p.Conns, p.DialTimeout = 200, 700*time.Millisecond
	m := newMachine(t, 4096)
	m.overflows(100)
	w := &watch{act: func(sn Snapshot) {
		if sn.Connected == 30 {
			m.overflows(412)
		}
	}}
	run, err := run(context.Background(), p, w, tempo{tick: 100 * time.Millisecond, proc: m.proc})
	if err != nil {
		t.Fatal(err)
	}
	books(t, run)
	const why = "ListenOverflows rose by 312 (100 to 412)"
	var told []string
	for _, sn := range w.ticks {
		if sn.Remark != "" {
			told = append(told, sn.Remark)
		}
	}
	if len(told) != 1 || !strings.Contains(told[0], "no connection came for 300ms while 8 dials are in progress: "+why) {
		t.Errorf("told %q", told)
	}
	found := ramps(run)
	if len(found) != 1 || found[0].Severity != results.Fatal || !strings.HasPrefix(found[0].Text, "stopped at 30 connections of 200: none came for 1.4s while dials were in progress (") ||
		!strings.Contains(found[0].Text, why) {
		t.Errorf("found %+v", found)
	}
	if run.Findings[0] != found[0] {
		t.Errorf("the first finding is %+v", run.Findings[0])
	}
	d := run.Phases[0].Dials
	if !run.Partial || run.Verdict != results.Invalid || d.Upgraded != 30 || d.Scheduled != 200 || d.Causes[results.CauseStalled] == 0 || d.Causes[results.CauseTimeout] < 8 {
		t.Errorf("partial %v, %s, %+v", run.Partial, run.Verdict, d)
	}
	if last := run.Phases[len(run.Phases)-1]; last.Kind != results.Teardown {
		t.Errorf("ended with %s", last.Name)
	}
}

// A slow ramp, in which nothing is in progress most of the time, does not stand
// still.
func TestSlowRampGoesOn(t *testing.T) {
	t.Parallel()
	s := serve(t, false, nil)
	p := s.plan(t, Hold)
	p.Conns, p.Ramp, p.DialTimeout = 3, 2, 100*time.Millisecond
	w := new(watch)
	run, err := run(context.Background(), p, w, tempo{tick: 20 * time.Millisecond, proc: newMachine(t, 4096).proc})
	if err != nil {
		t.Fatal(err)
	}
	if run.Phases[0].Dials.Upgraded != 3 || len(ramps(run)) > 0 || slices.ContainsFunc(w.ticks, func(s Snapshot) bool { return s.Remark != "" }) {
		t.Errorf("%+v, found %+v", run.Phases[0].Dials, run.Findings)
	}
}

// Before memory is spent the ramp ends in good order: also when what is left is
// above the reserve and would not be after another tick like the last.
func TestRampLeavesMemory(t *testing.T) {
	for name, levels := range map[string][]int{
		"below the reserve":      {4000, 190},
		"below it the next time": {1000, 590},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, false, nil)
			p := s.plan(t, Hold)
			p.Conns, p.Ramp = 1000, 50 // 20 s
			m := newMachine(t, levels[0])
			w := &watch{act: func(sn Snapshot) {
				if sn.Connected >= 10 {
					m.set("meminfo", meminfo(levels[1]))
				}
			}}
			run, err := run(context.Background(), p, w, tempo{tick: 50 * time.Millisecond, proc: m.proc})
			if err != nil {
				t.Fatal(err)
			}
			books(t, run)
			d := run.Phases[0].Dials
			found := ramps(run)
			if len(found) != 1 || found[0].Severity != results.Fatal {
				t.Fatalf("found %+v", found)
			}
			// Some may have come between the tick that stopped it and the stop.
			var n int
			if _, err := fmt.Sscanf(found[0].Text, "stopped at %d ", &n); err != nil || n < 10 || n > int(d.Upgraded) {
				t.Errorf("%q tells of %d connections, there were %d: %v", found[0].Text, n, d.Upgraded, err)
			}
			want := fmt.Sprintf("stopped at %d connections of 1000: %d MiB free, and dialling leaves 192 MiB; each took %d B of the machine", n, levels[1], (levels[0]-levels[1])<<20/max(1, n))
			if found[0].Text != want {
				t.Errorf("found %q, want %q", found[0].Text, want)
			}
			if !run.Partial || run.Verdict != results.Invalid || d.Upgraded < 10 || d.Causes[results.CauseReserve] < 900 || d.Causes[results.CauseReserve] != d.Dropped {
				t.Errorf("partial %v, %s, %+v", run.Partial, run.Verdict, d)
			}
			if s.closed.Load() < int64(d.Upgraded) {
				t.Errorf("%d of %d connections ended with a closing handshake", s.closed.Load(), d.Upgraded)
			}
		})
	}
}

// Connections that came late, but came, leave a note; nothing leaves none.
func TestRampThatCameThrough(t *testing.T) {
	t.Parallel()
	m := newMachine(t, 4096)
	m.overflows(100)
	s := serve(t, false, func(s *server) {
		s.upgraded = func(n int64) {
			if n == 13 {
				m.overflows(412)
			}
		}
	})
	run, err := run(context.Background(), s.plan(t, Hold), new(watch), tempo{tick: 100 * time.Millisecond, proc: m.proc})
	if err != nil {
		t.Fatal(err)
	}
	if found := ramps(run); len(found) != 1 || found[0].Severity != results.Note || !strings.HasPrefix(found[0].Text, "all 20 connections came, and something stood in their way: ListenOverflows rose by 312") {
		t.Errorf("found %+v", found)
	}
	if bad := fatal(run); len(bad) > 0 {
		t.Errorf("invalid: %q", bad)
	}
}

// What the kernel refuses when all connections are there is not the ramp's, and is told.
func TestAftermath(t *testing.T) {
	t.Parallel()
	m := newMachine(t, 4096)
	m.overflows(100)
	w := &watch{act: func(sn Snapshot) {
		if strings.HasSuffix(sn.Phase, "/window") {
			m.overflows(412)
		}
	}}
	p := serve(t, false, nil).plan(t, Hold)
	p.Window = 500 * time.Millisecond
	run, err := run(context.Background(), p, w, tempo{tick: 50 * time.Millisecond, proc: m.proc})
	if err != nil {
		t.Fatal(err)
	}
	const want = "after the ramp, while connections were held and closed: ListenOverflows rose by 312 (100 to 412)"
	if !slices.ContainsFunc(run.Findings, func(f results.Finding) bool {
		return f.Check == results.CheckKernel && f.Severity == results.Warning && strings.HasPrefix(f.Text, want)
	}) {
		t.Errorf("found %+v", run.Findings)
	}
	if found := ramps(run); len(found) > 0 {
		t.Errorf("of the ramp: %+v", found)
	}
}
