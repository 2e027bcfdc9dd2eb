package ledger

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"signalbench/results"
)

// TestLedgerTellsAKnownAllocation is the ledger's truth test: a server that
// takes 10,000 B for each connection costs 10,000 B a connection, within 3 %.
func TestLedgerTellsAKnownAllocation(t *testing.T) {
	h, _ := startChild(t)
	s, err := New(t.Context(), Options{Admin: h.Admin})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var l results.Ledger
	read := func(n int) {
		r, err := s.Read(t.Context(), results.Settled, 0, n)
		if err != nil {
			t.Fatal(err)
		}
		l.Readings = append(l.Readings, r)
	}
	addr, err := net.ResolveTCPAddr("tcp", h.Listen)
	if err != nil {
		t.Fatal(err)
	}
	read(0)
	const plateaus, step = 4, 900
	for n := step; n <= plateaus*step; n += step {
		for range step {
			connect(t, addr.Port)
		}
		read(n)
	}
	results.FitLedger(&l)
	tolerance := 0.03 * perConn
	if raceEnabled {
		tolerance = 0.25 * perConn
	}
	for _, item := range []string{results.ItemServerRSS, "server.anon"} {
		s, ok := l.Slope(item, results.Settled)
		if !ok || !s.HasInterval {
			t.Fatalf("%s has no slope with an interval in %+v", item, l.Slopes)
		}
		if math.Abs(s.PerConn-perConn) > tolerance {
			t.Errorf("%s is %.0f B per connection (%.0f to %.0f), the server takes %d B", item, s.PerConn, s.Low, s.High, perConn)
		}
	}
	for _, item := range []string{"server.descriptors", "client.descriptors"} {
		if fds, ok := l.Slope(item, results.Settled); !ok || math.Abs(fds.PerConn-1) > 1e-6 {
			t.Errorf("%s is %v per connection, want 1", item, fds.PerConn)
		}
	}
	if g, ok := l.Slope("server.goroutines", results.Settled); !ok || math.Abs(g.PerConn) > 0.01 {
		t.Errorf("the server has %v goroutines per connection, want 0", g.PerConn)
	}
}

// connect opens a raw connection and waits for the child's byte.
func connect(t *testing.T, port int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	again(t, "connect", func() error { return unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}) })
	again(t, "read", func() error {
		n, err := unix.Read(fd, make([]byte, 1))
		if err == nil && n == 0 {
			return fmt.Errorf("the child closed the connection")
		}
		return err
	})
}

// again retries a call that a signal of the Go runtime interrupted.
func again(t *testing.T, what string, f func() error) {
	t.Helper()
	for {
		switch err := f(); err {
		case nil, unix.EISCONN:
			return
		case unix.EINTR, unix.EALREADY:
		default:
			t.Fatalf("%s: %v", what, err)
		}
	}
}

func TestReadKnowsBothSidesAndTheKernel(t *testing.T) {
	h, _ := startChild(t)
	s, err := New(t.Context(), Options{ServerPID: h.PID, Admin: h.Admin})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Read(t.Context(), results.AsRun, 5*time.Second, 3)
	if err != nil {
		t.Fatal(err)
	}
	if r.Kind != results.AsRun || r.At != 5*time.Second || r.Conns != 3 {
		t.Errorf("reading is of kind %s at %v with %d connections", r.Kind, r.At, r.Conns)
	}
	for name, v := range map[string]int64{
		"server RSS": r.Server.RSS, "server PSS": r.Server.PSS, "server anon": r.Server.Anon, "server goroutines": r.Server.Goroutines,
		"server descriptors": r.Server.Descriptors, "client RSS": r.Client.RSS, "client heap": r.Client.Heap,
		"client stacks": r.Client.Stacks, "client goroutines": r.Client.Goroutines, "client descriptors": r.Client.Descriptors,
		"free memory": r.Kernel.MemFree, "total memory": r.Kernel.MemTotal, "available memory": r.Kernel.MemAvailable,
	} {
		if v <= 0 {
			t.Errorf("%s is %d", name, v)
		}
	}
	if r.Kernel.TCPInUse < 1 { // at least the listeners
		t.Errorf("%d TCP sockets are in use", r.Kernel.TCPInUse)
	}
	if os.Geteuid() == 0 && r.Kernel.Slab["filp"].InUse() <= 0 {
		t.Errorf("no open files in the slab: %+v", r.Kernel.Slab)
	}
}

func TestWithoutServerOnlyThisProcessIsRead(t *testing.T) {
	s, err := New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Read(t.Context(), results.Settled, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if r.Server != unknown || r.Client.RSS <= 0 {
		t.Errorf("server %+v, client %+v", r.Server, r.Client)
	}
	if !contains(s.Notes(), "the server's process is not known") {
		t.Errorf("notes %q do not say what is missing", s.Notes())
	}
	if tgt := s.Target(); tgt.PID != 0 || tgt.Admin != "" {
		t.Errorf("target is %+v", tgt)
	}
}

func TestServerElsewhereTellsItself(t *testing.T) {
	// Not on a loopback address as far as the sampler can tell: the pid that it
	// names is not of this machine.
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"engine":"far","pid":%d,"go":{"heap_bytes":5,"stacks_bytes":6,"goroutines":7},"process":{"rss_bytes":1,"pss_bytes":2,"anon_bytes":3,"descriptors":4}}`, math.MaxInt32)
	}))
	defer srv.Close()
	s, err := New(t.Context(), Options{Admin: srv.URL})
	if err == nil {
		t.Error("a local server's process that does not exist is accepted")
		s.Close()
	} else if !strings.Contains(err.Error(), fmt.Sprint(math.MaxInt32)) {
		t.Errorf("error %q does not name the process", err)
	}
	for url, want := range map[string]bool{
		"http://127.0.0.1:1": true, "http://[::1]:1": true, "http://localhost:1": true,
		"http://192.0.2.1:1": false, "http://example.org": false, "http://127.0.0.1.example.org": false, "://": false,
	} {
		if local(url) != want {
			t.Errorf("local(%q) is %v", url, !want)
		}
	}

	s, err = New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	far, err := New(t.Context(), Options{ServerPID: os.Getpid(), Admin: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	s.admin = far.admin
	r, err := s.Read(t.Context(), results.Settled, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if want := (results.Process{RSS: 1, PSS: 2, Anon: 3, Descriptors: 4, Heap: 5, Stacks: 6, Goroutines: 7}); r.Server != want {
		t.Errorf("server is %+v, want what it tells, %+v", r.Server, want)
	}
}

func TestServerThatDies(t *testing.T) {
	h, cmd := startChild(t)
	s, err := New(t.Context(), Options{ServerPID: h.PID, Admin: h.Admin})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	target := s.Target()
	if target.PID != h.PID || target.Engine != "child" || target.Admin != h.Admin {
		t.Errorf("target is %+v", target)
	}
	s.Finish(t.Context(), &target)
	if target.Alive == nil || !*target.Alive {
		t.Error("a server that lives is not reported alive")
	}
	meter := s.Meter()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	s.Finish(t.Context(), &target)
	if target.Alive == nil || *target.Alive {
		t.Error("a server that was killed is not reported gone")
	}
	if target.Processes != 1 || !slices.Equal(target.Gone, []int{h.PID}) {
		t.Errorf("of %d processes %v are gone, want %d of one", target.Processes, target.Gone, h.PID)
	}
	if _, err := s.Read(t.Context(), results.AsRun, 0, 1); err == nil {
		t.Error("a server that was killed can be read")
	}
	if _, server := meter.Read(); server.Known {
		t.Errorf("usage of a server that was killed is known: %+v", server)
	}
	if tick := s.Tick(); tick.ServerRSS != -1 || tick.ClientRSS <= 0 {
		t.Errorf("tick is %+v", tick)
	}
}

func TestServerWithoutAdmin(t *testing.T) {
	h, cmd := startChild(t)
	s, err := New(t.Context(), Options{ServerPID: h.PID})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Read(t.Context(), results.Settled, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if r.Server.RSS <= 0 || r.Server.Heap != -1 {
		t.Errorf("server is %+v, want RSS known and heap not", r.Server)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if _, err := s.Read(t.Context(), results.Settled, 0, 0); err == nil || !strings.Contains(err.Error(), errGone.Error()) {
		t.Errorf("reading a server that was killed: %v", err)
	}
}

func TestNewRefusesWhatIsNotThere(t *testing.T) {
	for name, o := range map[string]Options{
		"no such process":  {ServerPID: math.MaxInt32},
		"no admin there":   {Admin: "http://127.0.0.1:1"},
		"no kernel's file": {Proc: t.TempDir()},
	} {
		if s, err := New(t.Context(), o); err == nil {
			s.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	s, err := New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Read(ctx, results.Settled, 0, 0); err == nil {
		t.Error("a reading outlives its context")
	}
}

func TestDescriptorsAreCounted(t *testing.T) {
	self, err := openProcess("/proc", os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	before := self.descriptors()
	if before < 0 {
		t.Fatal("this kernel does not give the number of descriptors as the directory's size (Linux before 6.2)")
	}
	const n = 50
	for range n {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	if got := self.descriptors() - before; got != n {
		t.Errorf("%d descriptors more, opened %d", got, n)
	}
	missing := &process{dir: filepath.Join(t.TempDir(), "gone")}
	if got := missing.descriptors(); got != -1 {
		t.Errorf("a process that is gone has %d descriptors, want -1", got)
	}
}

func TestMeterAndTickSeeWorkAndMemory(t *testing.T) {
	s, err := New(t.Context(), Options{ServerPID: os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	s.Tick()
	m := s.Meter()
	const size = 64 << 20
	block, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_POPULATE)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Munmap(block); err != nil {
		t.Fatal(err)
	}
	used := func() time.Duration {
		var r unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
			t.Fatal(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	from := used()
	for x := 0; used()-from < 100*time.Millisecond; x++ {
	}
	client, server := m.Read()
	for name, u := range map[string]results.Usage{"client": client, "server": server} {
		if cpu := u.User + u.System; !u.Known || cpu < 80*time.Millisecond || cpu > 10*time.Second {
			t.Errorf("%s used %v of CPU, burned 100 ms: %+v", name, cpu, u)
		}
		if u.PeakRSS < size {
			t.Errorf("%s had a peak of %d B, mapped %d B", name, u.PeakRSS, size)
		}
	}
	if tick := s.Tick(); tick.ServerCPU <= 0 || tick.ClientCPU <= 0 || tick.ServerRSS <= 0 || tick.TCPMem < 0 {
		t.Errorf("tick is %+v", tick)
	}
}

func contains(list []string, part string) bool {
	for _, s := range list {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}
