package trial

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"

	"signalbench/loadgen/internal/workload"
	"signalbench/results"
)

const (
	// orphanLook is how often the kernel is asked for its orphans.
	orphanLook = 100 * time.Millisecond
	// orphanShare is the part of tcp_max_orphans from which on no connection is
	// closed. It is far from all of it: the count is summed over processors late,
	// and up to twice the count is held against the limit (net/ipv4/tcp.c,
	// tcp_too_many_orphans).
	orphanShare = 0.25
	// orphanPatience is for how long they may hold a teardown back in all.
	orphanPatience = time.Minute
)

// sockets is what no process holds any more.
type sockets struct{ orphans, timeWait int64 }

// abandoned reads it from /proc/net/sockstat (proc(5)).
func abandoned() (sockets, bool) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return sockets{}, false
	}
	stat, err := fs.NetSockstat()
	if err != nil {
		return sockets{}, false
	}
	for _, p := range stat.Protocols {
		if p.Protocol == "TCP" && p.Orphan != nil && p.TW != nil {
			return sockets{int64(*p.Orphan), int64(*p.TW)}, true
		}
	}
	return sockets{}, false
}

// maxOrphans is the kernel's limit, -1 if it is not known.
func maxOrphans() int64 {
	b, err := os.ReadFile("/proc/sys/net/ipv4/tcp_max_orphans")
	if err != nil {
		return -1
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// An orphanage watches a teardown. It belongs to one goroutine until stop has
// returned.
type orphanage struct {
	read  func() (sockets, bool)
	brake workload.Brake
	seen  results.Closing
	end   chan struct{}
	ended chan struct{}
}

// watchOrphans begins to look every so often.
func watchOrphans(read func() (sockets, bool), limit int64, every time.Duration) *orphanage {
	o := &orphanage{read: read, end: make(chan struct{}), ended: make(chan struct{})}
	o.seen = results.Closing{OrphansMax: limit, OrphansPeak: -1, TimeWaitPeak: -1, OrphansAfter: -1, TimeWaitAfter: -1}
	o.look(0)
	go func() {
		defer close(o.ended)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-o.end:
				return
			case <-ticker.C:
				o.look(every)
			}
		}
	}()
	return o
}

// look holds the teardown back for as long as it is until the next look, if there
// are too many.
func (o *orphanage) look(every time.Duration) {
	now, ok := o.read()
	if !ok {
		return
	}
	c := &o.seen
	c.OrphansAfter, c.TimeWaitAfter = now.orphans, now.timeWait
	c.OrphansPeak, c.TimeWaitPeak = max(c.OrphansPeak, now.orphans), max(c.TimeWaitPeak, now.timeWait)
	if c.OrphansMax >= 0 && float64(now.orphans) > orphanShare*float64(c.OrphansMax) && o.brake.Held() < orphanPatience {
		o.brake.Hold(every)
	}
}

// stop looks once more and returns what was seen.
func (o *orphanage) stop() results.Closing {
	close(o.end)
	<-o.ended
	o.look(0)
	o.seen.Held = o.brake.Held()
	return o.seen
}
