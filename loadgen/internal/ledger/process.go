package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"syscall"
	"time"

	"github.com/prometheus/procfs"

	"signalbench/results"
)

// userHZ is the unit of CPU time in /proc/PID/stat, the same on every
// architecture that Go runs Linux on.
const userHZ = 100

// A process is one that lives on this machine.
type process struct {
	pid   int
	dir   string // its folder in /proc
	proc  procfs.Proc
	start uint64 // when it started, in ticks since boot: tells a reused pid
}

func openProcess(root string, pid int) (*process, error) {
	mount, err := procfs.NewFS(root)
	if err != nil {
		return nil, err
	}
	proc, err := mount.Proc(pid)
	if err != nil {
		return nil, gone(err)
	}
	p := &process{pid: pid, dir: filepath.Join(root, strconv.Itoa(pid)), proc: proc}
	st, err := p.stat()
	if err != nil {
		return nil, err
	}
	p.start = st.Starttime
	return p, nil
}

// gone replaces the errors that a process causes by ending.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return errGone
	}
	return err
}

func (p *process) stat() (procfs.ProcStat, error) {
	st, err := p.proc.Stat()
	if err != nil {
		return st, gone(err)
	}
	if st.State == "Z" || st.State == "X" || p.start != 0 && st.Starttime != p.start {
		return st, errGone
	}
	return st, nil
}

func (p *process) alive() bool {
	_, err := p.stat()
	return err == nil
}

// rss is what /proc/PID/smaps_rollup says, which is exact; the sums in
// /proc/PID/stat lag behind by up to some dozen pages per thread.
func (p *process) rss() (int64, error) {
	m, err := p.proc.ProcSMapsRollup()
	if err != nil {
		return 0, p.explain(err)
	}
	return int64(m.Rss), nil
}

// explain tells a process that has ended, whose smaps_rollup is empty or gone,
// from one that cannot be read.
func (p *process) explain(err error) error {
	if !p.alive() {
		return errGone
	}
	return err
}

// memory reads the process's memory and descriptors; the Go fields are unknown.
func (p *process) memory() (results.Process, error) {
	r := unknown
	if _, err := p.stat(); err != nil {
		return r, err
	}
	m, err := p.proc.ProcSMapsRollup()
	if err != nil {
		return r, p.explain(err)
	}
	r.RSS, r.PSS, r.Anon = int64(m.Rss), int64(m.Pss), int64(m.Anonymous)
	r.Descriptors = p.descriptors()
	return r, nil
}

// descriptors is the size of the directory /proc/PID/fd, which since Linux 6.2
// is the number of descriptors; -1 if the kernel does not tell it so or does not
// let us look. Reading the directory would count them too, and create an inode
// and a dentry for each.
func (p *process) descriptors() int64 {
	info, err := os.Stat(filepath.Join(p.dir, "fd"))
	if err != nil || info.Size() == 0 {
		return -1
	}
	return info.Size()
}

// ownRuntime fills in the Go fields for this process, by the same names as the
// server's admin listener uses.
func ownRuntime(p *results.Process) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/memory/classes/os-stacks:bytes"},
		{Name: "/sched/goroutines:goroutines"},
	}
	metrics.Read(samples)
	p.Heap = int64(samples[0].Value.Uint64())
	p.Stacks = int64(samples[1].Value.Uint64() + samples[2].Value.Uint64())
	p.Goroutines = int64(samples[3].Value.Uint64())
}

// cpu is the CPU time that the process has used, in steps of 10 ms.
type cpu struct{ user, system time.Duration }

func (c cpu) minus(o cpu) cpu { return cpu{c.user - o.user, c.system - o.system} }

func cpuOf(st procfs.ProcStat) cpu {
	return cpu{time.Duration(st.UTime) * time.Second / userHZ, time.Duration(st.STime) * time.Second / userHZ}
}

// resetPeak makes the peak of RSS start anew (proc(5), /proc/PID/clear_refs).
func (p *process) resetPeak() error {
	return os.WriteFile(filepath.Join(p.dir, "clear_refs"), []byte("5"), 0)
}

// peak is the largest RSS since resetPeak.
func (p *process) peak() (uint64, error) {
	st, err := p.proc.NewStatus()
	if err != nil {
		return 0, fmt.Errorf("reading status: %w", gone(err))
	}
	return st.VmHWM, nil
}
