package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"signalbench/loadgen/internal/handshake"
)

// A Target is one server behind one or several URLs. It is read-only after
// [Resolve] and may be shared.
type Target struct {
	URLs []*url.URL
	// TLS is whether the scheme is wss, and Raw whether it is tcp: bytes without
	// WebSocket, and without a path. All URLs agree.
	TLS, Raw bool
	// ServerName is the host name that a certificate must be for.
	ServerName string

	addrs    []netip.AddrPort    // of URLs, in their order
	requests []handshake.Request // for URLs, in their order; none for Raw
	channels [][]string          // as URLs name them, in their order, divided at numbers; none for Raw
	ports    int                 // over 1: they are filled one after the other
	each     int                 // with so many connections; 0: with equal parts
}

// rawScheme is that of servers that echo bytes.
const rawScheme = "tcp"

// Resolve reads ws://, wss:// and tcp:// URLs and looks their hosts up, preferring
// IPv4. Origin is sent with each opening handshake if it is not empty. Every
// error is a sentence for the user.
func Resolve(ctx context.Context, urls []string, origin string) (*Target, error) {
	if len(urls) == 0 {
		return nil, errors.New("no URL: say where to connect with --url ws://HOST:PORT/PATH")
	}
	t := new(Target)
	for _, raw := range urls {
		u, err := parse(raw)
		if err != nil {
			return nil, err
		}
		if len(t.URLs) > 0 && u.Scheme != t.URLs[0].Scheme {
			return nil, fmt.Errorf("URLs %q and %q mix %s and %s: use one scheme in a run", urls[0], raw, t.URLs[0].Scheme, u.Scheme)
		}
		addr, err := lookUp(ctx, u)
		if err != nil {
			return nil, err
		}
		t.TLS, t.Raw, t.ServerName = u.Scheme == "wss", u.Scheme == rawScheme, u.Hostname()
		t.URLs, t.addrs = append(t.URLs, u), append(t.addrs, addr)
		if t.Raw {
			continue
		}
		r, err := handshake.NewRequest(u.Host, unescaped(u.RequestURI()), origin)
		if err != nil {
			return nil, fmt.Errorf("URL %q cannot be asked for: %w", raw, err)
		}
		t.requests = append(t.requests, r)
		t.channels = append(t.channels, channel(unescaped(u.EscapedPath())))
	}
	return t, nil
}

func parse(raw string) (*url.URL, error) {
	// Escaped, so that what else is escaped in the path stays as it is.
	u, err := url.Parse(strings.ReplaceAll(raw, handshake.Number, url.PathEscape(handshake.Number)))
	if err != nil {
		if e := (*url.Error)(nil); errors.As(err, &e) {
			err = e.Err
		}
		return nil, fmt.Errorf("URL %q cannot be read: %w; write ws://HOST:PORT/PATH", raw, err)
	}
	switch {
	case u.Scheme == "http" || u.Scheme == "https":
		return nil, fmt.Errorf("URL %q has scheme %s: write ws://… (or wss://… for TLS)", raw, u.Scheme)
	case u.Scheme == rawScheme && (u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Port() == ""):
		return nil, fmt.Errorf("URL %q: bytes over TCP have no path and no port of their own, write tcp://HOST:PORT", raw)
	case u.Scheme != "ws" && u.Scheme != "wss" && u.Scheme != rawScheme:
		return nil, fmt.Errorf("URL %q is no WebSocket URL: write ws://HOST:PORT/PATH (or wss://… for TLS, or tcp://HOST:PORT for a server that echoes bytes)", raw)
	case u.Hostname() == "":
		return nil, fmt.Errorf("URL %q names no host: write ws://HOST:PORT/PATH", raw)
	case u.Fragment != "":
		return nil, fmt.Errorf("URL %q has a fragment, which a WebSocket URL must not have (RFC 6455 section 3)", raw)
	case u.User != nil:
		return nil, fmt.Errorf("URL %q holds a user name: HTTP authentication is not supported", u.Redacted())
	}
	return u, nil
}

func lookUp(ctx context.Context, u *url.URL) (netip.AddrPort, error) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return netip.AddrPort{}, fmt.Errorf("URL %q has port %s: a port is a number from 1 to 65535", u, port)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("host %q of the URL cannot be looked up: %w", u.Hostname(), err)
	}
	best := ips[0]
	for _, ip := range ips {
		if ip.Unmap().Is4() {
			best = ip
			break
		}
	}
	return netip.AddrPortFrom(best.Unmap(), uint16(n)), nil
}

// Loopback reports whether every connection stays on this machine's loopback
// interface.
func (t *Target) Loopback() bool {
	for _, a := range t.addrs {
		if !a.Addr().IsLoopback() {
			return false
		}
	}
	return true
}

// Addrs returns the addresses of the URLs in their order. Do not change it.
func (t *Target) Addrs() []netip.AddrPort { return t.addrs }

// Request returns the opening handshake for destination n; see
// [Spread.Destination].
func (t *Target) Request(n uint32) handshake.Request { return t.requests[n] }

// String names the URLs.
func (t *Target) String() string {
	names := make([]string, len(t.URLs))
	for i, u := range t.URLs {
		names[i] = unescaped(u.String())
	}
	return strings.Join(names, ", ")
}

// unescaped puts back the braces of [handshake.Number], which parse has escaped.
func unescaped(text string) string {
	return strings.ReplaceAll(text, url.PathEscape(handshake.Number), handshake.Number)
}
