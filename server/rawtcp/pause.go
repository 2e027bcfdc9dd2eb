package rawtcp

import (
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"signalbench/server/engine"
)

const (
	firstPause   = 5 * time.Millisecond
	longestPause = time.Second
)

// A pause is how long accept(2) is left alone after it has failed for want of
// something: longer each time, as the queue stays full and would be reported for ever
// (epoll(7), BUGS of accept(2)).
type pause struct {
	length time.Duration // of the last; 0: accept works
}

// scarce reports whether accept(2) fails for want of descriptors or memory.
func scarce(errno error) bool {
	return errno == unix.EMFILE || errno == unix.ENFILE || errno == unix.ENOBUFS || errno == unix.ENOMEM
}

// next counts a failure, tells the first of several, and returns how long to wait.
func (p *pause) next(cfg *Config, errno error) time.Duration {
	cfg.Stats.AcceptErrors.Add(1)
	if p.length == 0 {
		tell(cfg.Log, cfg.Stats, errno)
		p.length = firstPause
	} else {
		p.length = min(2*p.length, longestPause)
	}
	return p.length
}

// over says that accept works again.
func (p *pause) over() { p.length = 0 }

func tell(log *slog.Logger, stats *engine.Stats, errno error) {
	advice := "memory is short"
	if errno == unix.EMFILE || errno == unix.ENFILE {
		advice = "no descriptors are left: raise the limit (ulimit -n, fs.file-max) or open fewer connections"
	}
	log.Warn("accept failed, trying again until it works", "err", errno, "open", stats.Open.Load(), "advice", advice)
}
