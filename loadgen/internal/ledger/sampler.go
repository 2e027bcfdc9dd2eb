package ledger

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"signalbench/loadgen/internal/adminapi"
	"signalbench/results"
)

// Options say where the server is.
type Options struct {
	// ServerPID is the server's process on this machine. 0: the one that the
	// admin listener names, if that is on this machine, else not known.
	ServerPID int
	// Admin is the URL of the server's admin listener, empty if it has none.
	Admin string
	// Proc and Sys are where the kernel's files are, /proc and /sys if empty.
	Proc, Sys string
}

// A Sampler takes readings of a server, this process and the kernel. Read and
// Tick are for one goroutine at a time; a Meter may run beside them.
type Sampler struct {
	server group // nil: not on this machine, or not known
	self   group
	proc   string // where the kernel's files are
	kernel *kernel
	admin  *adminapi.Client // nil: none
	first  *adminapi.Stats  // the answer to New
	own    *adminapi.Stats  // of this process, when New was called
	notes  []string
	ticks  ticks
}

// New finds the server and asks its admin listener, if there is one, for the
// first time. It reports an error if either does not answer.
func New(ctx context.Context, o Options) (*Sampler, error) {
	if o.Proc == "" {
		o.Proc = "/proc"
	}
	if o.Sys == "" {
		o.Sys = "/sys"
	}
	s := &Sampler{own: ownStats(time.Now()), proc: o.Proc}
	var err error
	if s.kernel, err = openKernel(o.Proc, o.Sys); err != nil {
		return nil, fmt.Errorf("reading the kernel's memory: %w", err)
	}
	self, err := openProcess(o.Proc, os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("reading this process: %w", err)
	}
	s.self = group{self}
	if o.Admin != "" {
		s.admin = adminapi.New(o.Admin)
		if s.first, err = s.admin.Stats(ctx); err != nil {
			return nil, err
		}
		if o.ServerPID == 0 && local(s.admin.URL()) {
			o.ServerPID = s.first.PID
		}
	}
	if o.ServerPID != 0 {
		if s.server, err = openGroup(o.Proc, o.ServerPID); err != nil {
			return nil, fmt.Errorf("reading the server's process %d: %w", o.ServerPID, err)
		}
	}
	s.note()
	return s, nil
}

// local reports whether an URL's host is a loopback address.
func local(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// note collects what this machine does not tell.
func (s *Sampler) note() {
	if n := len(s.server); n > 1 {
		s.notes = append(s.notes, fmt.Sprintf("the server is %d processes: its figures are their sums, and pages that they share count once in PSS and in each RSS", n))
	}
	if s.server == nil && s.admin == nil {
		s.notes = append(s.notes, "the server's process is not known: its memory is not measured")
	}
	if s.admin == nil && s.server != nil {
		s.notes = append(s.notes, "the server has no admin listener: its heap is not known and it is not made to collect garbage before a settled reading")
	}
	s.notes = append(s.notes, s.kernel.notes...)
}

// Notes says what a reader of the readings must know, for Ledger.Notes.
func (s *Sampler) Notes() []string { return s.notes }

// Stats asks the admin listener; it returns nil without an error if there is none.
func (s *Sampler) Stats(ctx context.Context) (*adminapi.Stats, error) {
	if s.admin == nil {
		return nil, nil
	}
	return s.admin.Stats(ctx)
}

// Close closes the connection to the admin listener.
func (s *Sampler) Close() {
	if s.admin != nil {
		s.admin.Close()
	}
}

// Target tells what is known about the server so far.
func (s *Sampler) Target() results.Target {
	var t results.Target
	if s.server != nil {
		t.PID = s.server[0].pid
	}
	if s.admin != nil {
		t.Admin, t.Engine, t.Config = s.admin.URL(), s.first.Engine, s.first.Config
	}
	return t
}

// Finish fills in what is known about the server at the end: whether it is
// alive, which of its processes are not, and its GC pauses since New.
func (s *Sampler) Finish(ctx context.Context, t *results.Target) {
	var alive *bool
	set := func(v bool) { alive = &v }
	if s.admin != nil {
		last, err := s.admin.Stats(ctx)
		if err == nil {
			t.GC = last.PausesSince(s.first)
		}
		// A context that ended says nothing about the server.
		if err == nil || ctx.Err() == nil {
			set(err == nil && last.PID == s.first.PID)
		}
	}
	if s.server != nil {
		t.Processes, t.Gone = len(s.server), s.server.gone()
		set(len(t.Gone) == 0 && (alive == nil || *alive))
	}
	t.Alive = alive
}

// A Mark is a moment in the life of the server's Go runtime; the zero Mark is none.
type Mark struct{ stats *adminapi.Stats }

// Mark asks the server's admin listener, if it has one.
func (s *Sampler) Mark(ctx context.Context) Mark {
	if s.admin == nil {
		return Mark{}
	}
	stats, err := s.admin.Stats(ctx)
	if err != nil {
		return Mark{} // what is not known is left out
	}
	return Mark{stats}
}

// PausesSince is what the server's Go runtime did since a Mark; nil if that is not known.
func (s *Sampler) PausesSince(ctx context.Context, m Mark) *results.GCPauses {
	if now := s.Mark(ctx).stats; now != nil {
		return now.PausesSince(m.stats)
	}
	return nil
}

// OwnPauses is what this process's Go runtime did since New.
func (s *Sampler) OwnPauses() *results.GCPauses { return ownStats(time.Now()).PausesSince(s.own) }

// Read takes a reading: at is since Run.Started, conns how many connections are
// open. A Settled one forces a garbage collection on both sides, returns free
// memory, and waits until neither side's RSS moves any more, for 3 s at most.
func (s *Sampler) Read(ctx context.Context, kind results.ReadingKind, at time.Duration, conns int) (results.Reading, error) {
	r := results.Reading{Kind: kind, At: at, Conns: conns}
	stats, err := s.ask(ctx, kind)
	if err != nil {
		return r, fmt.Errorf("taking a memory reading: %w", err)
	}
	if kind == results.Settled {
		collect()
		if err := s.quiet(ctx); err != nil {
			return r, fmt.Errorf("taking a memory reading: %w", err)
		}
		s.kernel.shrink()
	}
	if r.Server, err = s.readServer(stats); err != nil {
		return r, fmt.Errorf("taking a memory reading of the server: %w", err)
	}
	if r.Client, err = s.self.memory(); err != nil {
		return r, fmt.Errorf("taking a memory reading of this process: %w", err)
	}
	ownRuntime(&r.Client)
	if r.Kernel, err = s.kernel.read(); err != nil {
		return r, fmt.Errorf("taking a memory reading of the kernel: %w", err)
	}
	return r, nil
}

// ask asks the server how it is, after settling it if that is the kind.
func (s *Sampler) ask(ctx context.Context, kind results.ReadingKind) (*adminapi.Stats, error) {
	switch {
	case s.admin == nil:
		return nil, ctx.Err()
	case kind == results.Settled:
		return s.admin.Settle(ctx)
	default:
		return s.admin.Stats(ctx)
	}
}

// collect frees what this process does not use. The second collection frees
// what finalizers of the first let go, and what sync.Pool kept for one cycle.
func collect() {
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
}

const (
	quietEvery = 20 * time.Millisecond
	quietFor   = 5 // looks in a row without a change
	quietWait  = 3 * time.Second
	quietBytes = 64 << 10 // a change
)

// quiet waits until the RSS of both sides stands still.
func (s *Sampler) quiet(ctx context.Context) error {
	deadline := time.NewTimer(quietWait)
	defer deadline.Stop()
	tick := time.NewTicker(quietEvery)
	defer tick.Stop()
	var last [2]int64
	for still := 0; still < quietFor; {
		var now [2]int64
		for i, p := range []group{s.server, s.self} {
			if p != nil {
				rss, err := p.rss()
				if err != nil {
					return err
				}
				now[i] = rss
			}
		}
		if moved(now[0], last[0]) || moved(now[1], last[1]) {
			still = 0
			last = now
		} else {
			still++
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return nil
		case <-tick.C:
		}
	}
	return nil
}

func moved(a, b int64) bool { return max(a, b)-min(a, b) > quietBytes }

// readServer reads the server's process by itself where it is on this machine,
// as it tells otherwise.
func (s *Sampler) readServer(stats *adminapi.Stats) (results.Process, error) {
	p := unknown
	if s.server != nil {
		var err error
		if p, err = s.server.memory(); err != nil {
			return p, err
		}
	}
	if stats == nil {
		return p, nil
	}
	if told := stats.Process; s.server == nil && told != nil {
		p.RSS, p.PSS, p.Anon, p.Descriptors = told.RSS, told.PSS, told.Anon, told.Descriptors
	}
	if told := stats.Process; stats.Tables > 0 && told != nil {
		p.Descriptors = told.Descriptors // of all tables, where /proc/PID/fd is one
	}
	if told := stats.Go; told != nil {
		p.Heap, p.Stacks, p.Goroutines = told.Heap, told.Stacks, told.Goroutines
	}
	return p, nil
}

// unknown is a process of which nothing is known.
var unknown = results.Process{RSS: -1, PSS: -1, Anon: -1, Heap: -1, Stacks: -1, Goroutines: -1, Descriptors: -1}

var errGone = errors.New("the process is gone")
