package results

import "time"

// A Ledger accounts for memory: readings at several counts of connections, so
// that the cost of a connection is a slope with an interval and not a total
// divided by N.
type Ledger struct {
	// Readings in time order; the first is the baseline without connections.
	Readings []Reading `json:"readings"`
	// Slopes are fitted over the readings of one kind; see FitLedger.
	Slopes []Slope `json:"slopes"`
	// Notes says what this machine's kernel does not tell, for example slab
	// caches that are merged.
	Notes []string `json:"notes,omitempty"`
}

// ReadingKind says in which state memory was read.
type ReadingKind string

const (
	AsRun   ReadingKind = "as-run"  // at once after the plateau was reached
	Settled ReadingKind = "settled" // after a forced GC and return of free memory on both sides
	Peak    ReadingKind = "peak"    // under load, at the end of a window
)

// A Reading is memory at one moment.
type Reading struct {
	Kind   ReadingKind   `json:"kind"`
	At     time.Duration `json:"at_ns"` // since Run.Started
	Conns  int           `json:"conns"` // upgraded and open
	Server Process       `json:"server"`
	Client Process       `json:"client"`
	Kernel Kernel        `json:"kernel"`
}

// A Process is the user-space side of a reading. A value that is not known is
// -1 (a server without an admin listener tells no heap).
type Process struct {
	RSS         int64 `json:"rss_bytes"`
	PSS         int64 `json:"pss_bytes"`  // shared pages divided by their users
	Anon        int64 `json:"anon_bytes"` // anonymous part of RSS
	Heap        int64 `json:"heap_bytes"` // Go: live and not yet swept objects
	Stacks      int64 `json:"stacks_bytes"`
	Goroutines  int64 `json:"goroutines"`
	Descriptors int64 `json:"descriptors"`
}

// Kernel is the kernel's side of a reading, for the whole machine.
type Kernel struct {
	// Slab gives bytes in use by object name ("TCP", "sock_inode_cache",
	// "filp", "dentry", "eventpoll_epi", ...): active objects times the size of
	// one with its share of slab overhead.
	Slab map[string]SlabCache `json:"slab"`
	// TCPMem is pages charged to TCP (/proc/net/sockstat, "mem").
	TCPMem       int64 `json:"tcp_mem_pages"`
	TCPInUse     int64 `json:"tcp_in_use"`
	TimeWait     int64 `json:"tcp_time_wait"`
	Orphans      int64 `json:"tcp_orphans"`
	MemTotal     int64 `json:"mem_total_bytes"`
	MemFree      int64 `json:"mem_free_bytes"`
	MemAvailable int64 `json:"mem_available_bytes"`
}

// SlabCache is one cache of /proc/slabinfo.
type SlabCache struct {
	Active  int64 `json:"active_objects"`
	ObjSize int64 `json:"object_bytes"`
	// PerSlab objects share one slab of SlabBytes.
	PerSlab   int64 `json:"objects_per_slab"`
	SlabBytes int64 `json:"slab_bytes"`
	Bytes     int64 `json:"bytes"` // pages held, free objects included
}

// InUse is the bytes that the active objects take, each with its share of what
// a slab wastes.
func (c SlabCache) InUse() float64 {
	if c.PerSlab == 0 {
		return float64(c.Active * c.ObjSize)
	}
	return float64(c.Active) * float64(c.SlabBytes) / float64(c.PerSlab)
}

// A Slope is what one connection costs: bytes (or objects) per connection, by
// ordinary least squares over the readings.
type Slope struct {
	// Item names the row: "server.rss", "server.heap", "server.goroutines",
	// "client.rss", "kernel.TCP", "kernel.dentry", "machine.free", ...
	Item string      `json:"item"`
	Kind ReadingKind `json:"kind"`
	Unit string      `json:"unit"` // "B" or "1"
	// PerConn is the slope, Low and High its 95 % confidence interval. With two
	// readings there is a slope and nothing that tells its error: HasInterval is
	// then false and Low and High are 0.
	PerConn     float64 `json:"per_conn"`
	HasInterval bool    `json:"has_interval"`
	Low         float64 `json:"low"`
	High        float64 `json:"high"`
	// Fixed is the intercept: the cost of the process itself.
	Fixed    float64 `json:"fixed"`
	Readings int     `json:"readings"`
}
