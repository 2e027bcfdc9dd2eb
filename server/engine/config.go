package engine

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// SlowPolicy says what Send does with a peer that does not read.
type SlowPolicy string

const (
	// SlowClose ends the connection of a slow consumer at once: a closing
	// handshake would wait behind the bytes that it does not read.
	SlowClose SlowPolicy = "close"
	// SlowDrop drops the newest message and keeps the connection.
	SlowDrop SlowPolicy = "drop"
)

// Config is what every engine receives, the same for all of them. The zero
// value is not usable; start from [DefaultConfig].
type Config struct {
	// MaxConns is how many connections may be open at once, handshakes
	// included; a further one is answered 503 (or closed, before a handshake
	// was read). 0 means no limit but the descriptors.
	MaxConns int
	// MaxMessage is the largest message in bytes after joining fragments; a
	// larger one is answered with close code 1009.
	MaxMessage int
	// HandshakeTimeout runs from accept to the end of the opening handshake,
	// TLS included.
	HandshakeTimeout time.Duration
	// ReadTimeout is how long a connection may go without completing a message
	// or a control frame. Bytes of an unfinished frame do not extend it. The
	// engine may be late by an eighth of it, never early. 0 means for ever.
	ReadTimeout time.Duration
	// WriteTimeout is how long a non-empty outbox may go without the peer
	// taking all of it, and how long a closing handshake may take.
	WriteTimeout time.Duration
	// DrainTimeout is how long Serve waits for peers to answer close 1001.
	DrainTimeout time.Duration
	// Outbox is how many bytes may wait for one peer before Send returns
	// ErrSlow. A message is accepted whole while fewer wait, so at most Outbox
	// plus one message are held.
	Outbox int
	// Slow says what becomes of a peer whose outbox is full.
	Slow SlowPolicy
	// Origins lists the Origin header fields that are let in, "*" for any. A
	// request without Origin (no browser) is always let in. Empty means that
	// the origin's host must be the Host of the request (RFC 6455 section 10.2).
	// A refused origin is answered 403.
	Origins []string
	// OriginPorts lists ports on the request's own host whose pages are let in
	// whatever Origins says: other listeners of this machine that serve some.
	OriginPorts []int
	// TLS, if not nil, makes the listeners speak TLS. An engine that cannot
	// refuses it in its constructor.
	TLS *tls.Config
	// Pollers is the number of event loops of an engine that has any; 0 means
	// half of GOMAXPROCS, at least one.
	Pollers int
	// Tables is the number of descriptor tables among which an engine with
	// Entry.OwnTables divides its connections, so that all of them together are
	// not bounded by the limit of descriptors; 0 and 1 mean the process's own.
	// Each is an event loop, and Pollers is then of no effect. A handler must then
	// open and use no descriptors: where it is called, their numbers are others'.
	Tables int
	// Workers bounds the goroutines of an engine that hands ready connections
	// to a pool; 0 means 4 for each of GOMAXPROCS.
	Workers int

	// Stats is where the engine counts; never nil.
	Stats *Stats
	// Log receives what an operator should see; never nil.
	Log *slog.Logger
}

// DefaultConfig returns the limits that the server starts with.
func DefaultConfig() Config {
	return Config{
		MaxMessage:       128 << 10,
		HandshakeTimeout: 10 * time.Second,
		ReadTimeout:      10 * time.Minute,
		WriteTimeout:     10 * time.Second,
		DrainTimeout:     5 * time.Second,
		Outbox:           256 << 10,
		Slow:             SlowClose,
		Stats:            new(Stats),
		Log:              slog.New(slog.DiscardHandler),
	}
}

// Validate reports every field that cannot be served with, joined.
func (c *Config) Validate() error {
	var errs []error
	bad := func(cond bool, format string, a ...any) {
		if cond {
			errs = append(errs, fmt.Errorf(format, a...))
		}
	}
	bad(c.MaxConns < 0, "max connections %d is negative", c.MaxConns)
	bad(c.MaxMessage < 1, "max message %d B is below 1 B", c.MaxMessage)
	bad(c.HandshakeTimeout <= 0, "handshake timeout %v is not positive", c.HandshakeTimeout)
	bad(c.ReadTimeout < 0, "read timeout %v is negative", c.ReadTimeout)
	bad(c.WriteTimeout <= 0, "write timeout %v is not positive", c.WriteTimeout)
	bad(c.DrainTimeout < 0, "drain timeout %v is negative", c.DrainTimeout)
	bad(c.Outbox < 1, "outbox %d B is below 1 B", c.Outbox)
	bad(c.Slow != SlowClose && c.Slow != SlowDrop, "slow-consumer policy %q is neither %q nor %q", c.Slow, SlowClose, SlowDrop)
	bad(c.Pollers < 0, "pollers %d is negative", c.Pollers)
	bad(c.Tables < 0, "descriptor tables %d are negative", c.Tables)
	bad(c.Workers < 0, "workers %d is negative", c.Workers)
	bad(c.Stats == nil, "no stats to count in")
	bad(c.Log == nil, "no log")
	return errors.Join(errs...)
}
