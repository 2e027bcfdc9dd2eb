package adminapi

import "time"

// Stats is what an admin listener tells.
type Stats struct {
	Engine      string         `json:"engine"`
	PID         int            `json:"pid"`
	Uptime      float64        `json:"uptime_s"` // seconds
	Connections Connections    `json:"connections"`
	Go          *Go            `json:"go"`      // nil: no Go program, or it does not tell
	Process     *Process       `json:"process"` // nil: not told
	Service     *Service       `json:"service"` // nil: not told
	Config      map[string]any `json:"config"`  // every effective setting, by flag name
	Shards      []struct{}     `json:"shards"`  // one for each process of a server that has several
	// Tables is among how many descriptor tables one process divides its
	// connections; 0: they are all in the one of the process.
	Tables int64 `json:"descriptor_tables"`
}

// Hongbao is the money of red envelopes since the server's start.
type Hongbao struct {
	Entered  Money `json:"entered"`
	Shaken   Money `json:"shaken"`   // given to shakes
	Grabbed  Money `json:"grabbed"`  // given to grabs
	Returned Money `json:"returned"` // taken back
	Waiting  Money `json:"waiting"`  // now
}

// Money is a sum.
type Money struct {
	Cents uint64 `json:"cents"`
}

// Service is what runs on the server beside echoes.
type Service struct {
	Hongbao  *Hongbao `json:"hongbao"` // nil: not told
	Channels struct {
		Subscribers int64  `json:"subscribers"` // now
		Pings       uint64 `json:"pings"`       // empty messages sent since the server's start
	} `json:"channels"`
}

// Connections counts since the server's start; Open is now.
type Connections struct {
	Accepted uint64 `json:"accepted"`
	Upgraded uint64 `json:"upgraded"`
	Open     int64  `json:"open"`
	Closed   uint64 `json:"closed"`
	Failed   uint64 `json:"failed"`
	Refused  uint64 `json:"refused"`
	Evicted  uint64 `json:"evicted"`
	Dropped  uint64 `json:"dropped_messages"`
	TimedOut uint64 `json:"timed_out"`
	Errors   uint64 `json:"accept_errors"`
}

// Go is the server's Go runtime.
type Go struct {
	Version     string        `json:"version"`
	GOMAXPROCS  int           `json:"gomaxprocs"`
	Goroutines  int64         `json:"goroutines"`
	Heap        int64         `json:"heap_bytes"` // objects, live and not yet swept
	HeapLive    int64         `json:"heap_live_bytes"`
	Stacks      int64         `json:"stacks_bytes"`
	Runtime     int64         `json:"runtime_bytes"`
	GCCycles    uint64        `json:"gc_cycles"`
	Pauses      GCPauses      `json:"gc_pauses"`
	OtherPauses *GCPauses     `json:"other_pauses"` // nil: not told
	GCCPU       time.Duration `json:"gc_cpu_ns"`
	GOGC        int64         `json:"gogc"`               // percent, -1 for off
	MemoryLimit int64         `json:"memory_limit_bytes"` // -1 for none
}

// GCPauses is a histogram of stop-the-world pauses since the server's start.
// Counts[i] pauses lasted from Buckets[i] to Buckets[i+1].
type GCPauses struct {
	Count   uint64          `json:"count"`
	P50     time.Duration   `json:"p50_ns"`
	P99     time.Duration   `json:"p99_ns"`
	Max     time.Duration   `json:"max_ns"`
	Buckets []time.Duration `json:"buckets_ns"`
	Counts  []uint64        `json:"counts"`
}

// Process is the server's process as it sees itself.
type Process struct {
	RSS         int64         `json:"rss_bytes"`
	PSS         int64         `json:"pss_bytes"`
	Anon        int64         `json:"anon_bytes"`
	Descriptors int64         `json:"descriptors"`
	User        time.Duration `json:"user_ns"`
	System      time.Duration `json:"system_ns"`
}
