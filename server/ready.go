package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"signalbench/server/admin"
	"signalbench/server/shards"
)

// ready is the line on stdout by which a program learns that the server listens,
// where, and who it is.
type ready struct {
	PID    int           `json:"pid"`
	Engine string        `json:"engine"`
	Listen []string      `json:"listen"`
	Admin  string        `json:"admin"`
	Demo   string        `json:"demo,omitempty"` // the URL of the page
	Shards []shards.Info `json:"shards,omitempty"`
	Tables int           `json:"descriptor_tables,omitempty"` // that divide the connections of one process
}

// write announces readiness: to programs, and to people.
func (r *ready) write(stdout, stderr io.Writer) error {
	if err := json.NewEncoder(stdout).Encode(r); err != nil {
		return fmt.Errorf("announcing readiness: %w", err)
	}
	watch := ""
	if r.Admin != "" {
		watch = fmt.Sprintf(", http://%s/stats tells how it is", r.Admin)
	}
	if r.Demo != "" {
		watch += ", demo on " + r.Demo
	}
	where := strings.Join(r.Listen, ", ")
	if n := len(r.Listen); n > 3 {
		where = fmt.Sprintf("%s to %s (%d ports)", r.Listen[0], r.Listen[n-1], n)
	}
	if n := len(r.Shards); n > 0 {
		where += fmt.Sprintf(", %d shards", n)
	}
	if r.Tables > 0 {
		where += fmt.Sprintf(", %d descriptor tables", r.Tables)
	}
	fmt.Fprintf(stderr, "server ready: engine %s on %s%s\n", r.Engine, where, watch)
	return nil
}

// everySecond writes a line a second until ctx is done.
func everySecond(ctx context.Context, w io.Writer, s *admin.Source) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			sayCounters(w, s.Started, s.Stats.Open.Load(), s.Stats.Failed.Load())
		}
	}
}

func sayCounters(w io.Writer, started time.Time, open int64, failed uint64) {
	fmt.Fprintf(w, "server elapsed=%.0fs connected=%d failed=%d\n", time.Since(started).Seconds(), open, failed)
}
