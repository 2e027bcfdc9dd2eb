package admin

import (
	"fmt"
	"os"
	"time"

	"signalbench/server/engine"
	"signalbench/server/service"
)

// Stats is what /stats answers. Unless a name says otherwise, figures of bytes
// and of durations are whole bytes and nanoseconds of this process.
type Stats struct {
	Engine      string         `json:"engine"`
	PID         int            `json:"pid"`
	Uptime      float64        `json:"uptime_s"`
	Connections Connections    `json:"connections"`
	Go          Go             `json:"go"`
	Process     Process        `json:"process"`
	Service     service.Stats  `json:"service"`
	Config      map[string]any `json:"config"` // every effective setting by the name of its flag
	Shards      []Shard        `json:"shards,omitempty"`
	// Tables is how many descriptor tables divide the connections of one process,
	// besides that which all else is in; absent if that has them.
	Tables int `json:"descriptor_tables,omitempty"`
	// Restarts is how often all of Shards were replaced; the counters of Connections
	// go on, what is said of the runtime starts anew.
	Restarts int `json:"restarts,omitempty"`
}

// Connections are the counters of [engine.Stats] at one moment. They are read
// one by one, so a sum may be off by what happened meanwhile.
type Connections struct {
	Accepted        uint64 `json:"accepted"`
	Upgraded        uint64 `json:"upgraded"`
	Open            int64  `json:"open"`
	Closed          uint64 `json:"closed"`
	Failed          uint64 `json:"failed"`
	Refused         uint64 `json:"refused"`
	Evicted         uint64 `json:"evicted"`
	DroppedMessages uint64 `json:"dropped_messages"`
	TimedOut        uint64 `json:"timed_out"`
	AcceptErrors    uint64 `json:"accept_errors"`
	LostWithShard   uint64 `json:"lost_with_shard"` // open in a process of the server when it died
}

// A Reader tells what /stats answers. Its methods may be called from any
// goroutine.
type Reader interface {
	Read() (*Stats, error)
	// Settle frees what can be freed and reads then.
	Settle() (*Stats, error)
}

// A Restarter ends the server's processes as a crash would, starts them again on
// the same ports and returns their pids when they listen. A [Reader] that is one
// answers POST /restart.
type Restarter interface {
	Restart() (pids []int, err error)
}

// Source is what Stats are read from.
type Source struct {
	Engine  string
	Started time.Time
	Stats   *engine.Stats
	Service interface{ Stats() service.Stats }
	Config  map[string]any // not changed after the start
	// Tables is engine.Config's, which holds from before the last of them is there;
	// 0 if the process has but its own.
	Tables int
}

// Read implements [Reader].
func (s *Source) Read() (*Stats, error) { return s.complete(ReadSelf()) }

// Settle implements [Reader].
func (s *Source) Settle() (*Stats, error) { return s.complete(SettleSelf()) }

func (s *Source) complete(stats *Stats, err error) (*Stats, error) {
	if err != nil {
		return nil, err
	}
	stats.Engine, stats.Config = s.Engine, s.Config
	stats.Uptime = time.Since(s.Started).Seconds()
	stats.Connections, stats.Service = readConnections(s.Stats), s.Service.Stats()
	stats.Tables = s.Tables
	for _, tid := range s.Stats.Tables.Threads() {
		if n, err := countDescriptors(fmt.Sprintf("/proc/self/task/%d/fd", tid)); err == nil { // else it is gone
			stats.Process.Descriptors += n
		}
	}
	return stats, nil
}

// ReadSelf reads what is known of any process: its memory and its runtime.
func ReadSelf() (*Stats, error) {
	process, err := readProcess()
	if err != nil {
		return nil, err
	}
	return &Stats{PID: os.Getpid(), Go: readGo(), Process: process}, nil
}

// SettleSelf frees what this process can free, and reads it then.
func SettleSelf() (*Stats, error) {
	settle()
	return ReadSelf()
}

func readConnections(s *engine.Stats) Connections {
	return Connections{
		Accepted:        s.Accepted.Load(),
		Upgraded:        s.Upgraded.Load(),
		Open:            s.Open.Load(),
		Closed:          s.Closed.Load(),
		Failed:          s.Failed.Load(),
		Refused:         s.Refused.Load(),
		Evicted:         s.Evicted.Load(),
		DroppedMessages: s.Dropped.Load(),
		TimedOut:        s.TimedOut.Load(),
		AcceptErrors:    s.AcceptErrors.Load(),
	}
}
