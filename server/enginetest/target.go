package enginetest

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"
)

// A Target is a server under test. Only URL is required: a zero field means
// that this limit is not known, and the cases that need it are skipped.
type Target struct {
	// URL of an endpoint that echoes every message: ws://host[:port]/path, or wss.
	URL string
	// MaxMessage is the largest message in bytes that is echoed.
	MaxMessage int
	// ReadTimeout is the silence after which the server closes a connection,
	// HandshakeTimeout the time it leaves for an opening handshake, and
	// WriteTimeout the time it leaves for a closing handshake.
	ReadTimeout, HandshakeTimeout, WriteTimeout time.Duration
	// Outbox is how many bytes the server keeps for a peer that does not read,
	// beside the kernel's buffers. Known means that a slower peer is evicted.
	Outbox int
	// KeepsSlow says that the server drops messages of a slow consumer instead
	// of evicting it.
	KeepsSlow bool
	// ChecksOrigin says that a foreign Origin must be refused.
	ChecksOrigin bool
	// TLS is used for wss; nil means the system's roots and the URL's host.
	TLS *tls.Config
	// Probe reads what the server holds right now; nil if there is no way to ask.
	Probe func() (Baseline, error)

	// receiveBuffer, if not 0, is SO_RCVBUF of the client's socket in bytes.
	receiveBuffer int
	// slowBounds, if not zero, are set lower than usual against a server that
	// is known to take everything.
	slowBounds bounds
}

// Baseline is what a server holds at one moment, to be compared before and
// after a group of connections.
type Baseline struct {
	Descriptors int
	Goroutines  int
	Open        int // upgraded connections
}

func (b Baseline) String() string {
	return fmt.Sprintf("%d descriptors, %d goroutines, %d open connections", b.Descriptors, b.Goroutines, b.Open)
}

// endpoint is the Target's URL taken apart for a dialer and a request line.
type endpoint struct {
	secure bool
	addr   string // host:port
	host   string // for SNI
	field  string // for the Host header field
	path   string // request target, with the query
}

func (t *Target) endpoint() (endpoint, error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return endpoint{}, fmt.Errorf("reading the target's URL: %w", err)
	}
	e := endpoint{host: u.Hostname(), field: u.Host, path: u.RequestURI()}
	port := u.Port()
	switch u.Scheme {
	case "ws":
		if port == "" {
			port = "80"
		}
	case "wss":
		e.secure = true
		if port == "" {
			port = "443"
		}
	default:
		return endpoint{}, fmt.Errorf("reading the target's URL: %q has the scheme %q, want ws or wss", t.URL, u.Scheme)
	}
	if e.host == "" {
		return endpoint{}, fmt.Errorf("reading the target's URL: %q has no host", t.URL)
	}
	e.addr = net.JoinHostPort(e.host, port)
	return e, nil
}
