package results

import (
	"fmt"
	"time"
)

// Holdings is what the kernel holds of files and TCP sockets at one moment, for
// the whole machine (the counters of sockstat: for the network namespace). A value
// that is not known is -1.
type Holdings struct {
	Sockets  int64 `json:"tcp_in_use"`    // /proc/net/sockstat and sockstat6, "inuse"
	Orphans  int64 `json:"tcp_orphans"`   // sockstat
	TimeWait int64 `json:"tcp_time_wait"` // sockstat
	TCPMem   int64 `json:"tcp_mem_pages"` // sockstat, "mem"
	Files    int64 `json:"open_files"`    // /proc/sys/fs/file-nr
	Objects  int64 `json:"tcp_objects"`   // active objects of the slab caches TCP and TCPv6
}

// A Baseline says whether the machine came back to what it was before the ramp.
type Baseline struct {
	Before Holdings      `json:"before"`
	After  Holdings      `json:"after"`
	Waited time.Duration `json:"waited_ns"` // from the end of the teardown to After
}

// How far the machine may be from before and count as back: what other programs
// and the kernel's own counters, which are summed over processors late, move
// meanwhile, or one in baselineShare of the connections if that is more.
const (
	baselineSockets = 128
	baselineFiles   = 512
	baselineObjects = 512
	baselinePages   = 1024 // the kernel sets 256 pages aside for each processor
	baselineShare   = 200
)

// Left names what there is more of than before a run of conns connections, with
// how many; nothing if the machine is back. TIME_WAIT is none of it: it lasts a
// minute, whatever anybody does.
func (b *Baseline) Left(conns uint64) []string {
	var left []string
	for _, h := range []struct {
		what          string
		before, after int64
		slack         int64
	}{
		{"TCP sockets", b.Before.Sockets, b.After.Sockets, baselineSockets},
		{"orphans", b.Before.Orphans, b.After.Orphans, baselineSockets},
		{"open files", b.Before.Files, b.After.Files, baselineFiles},
		{"TCP objects in the slab", b.Before.Objects, b.After.Objects, baselineObjects},
		{"pages of TCP memory", b.Before.TCPMem, b.After.TCPMem, baselinePages},
	} {
		more := h.after - h.before
		if h.before >= 0 && h.after >= 0 && more > max(h.slack, int64(conns/baselineShare)) {
			left = append(left, fmt.Sprintf("%d %s", more, h.what))
		}
	}
	return left
}
