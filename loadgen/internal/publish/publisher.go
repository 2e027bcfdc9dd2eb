package publish

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/target"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

const (
	// Lines is how many connections to the admin listener each lane has: a server
	// answers those of one connection one after the other.
	Lines = 4
	// unanswered bounds the requests of one connection whose answer is missing.
	unanswered = 8192
)

// An Admin is an admin listener.
type Admin struct {
	Addr netip.AddrPort
	Host string // as requests name it
	Path string // in front of those of the listener; mostly empty
}

// Find looks up the admin listener at a URL, the scheme of which may be left out. Every
// error is a sentence for the user.
func Find(ctx context.Context, raw string) (Admin, error) {
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return Admin{}, fmt.Errorf("--admin: %w", err)
	case u.Scheme != "http" || u.Hostname() == "":
		return Admin{}, fmt.Errorf("--admin %s: what is published goes over plain HTTP: write http://HOST:PORT", raw)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Admin{}, fmt.Errorf("--admin %s: port %s is not from 1 to 65535", raw, port)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return Admin{}, fmt.Errorf("--admin: host %q cannot be looked up: %w", u.Hostname(), err)
	}
	return Admin{Addr: netip.AddrPortFrom(ips[0].Unmap(), uint16(n)), Host: u.Host, Path: strings.TrimRight(u.EscapedPath(), "/")}, nil
}

// A Publisher publishes to the channels of one lane's connections. It implements
// [lane.Lined].
type Publisher struct {
	lane   *lane.Lane
	target *target.Target
	spread *target.Spread
	admin  Admin
	lines  [Lines]line
	out    []byte // a request on its way to the transport
	// refused is told of a message that nobody gets, and why.
	refused func(c wire.Conn, seq uint32, why results.Cause)
}

// states of a line
const (
	down uint8 = iota
	dialling
	greeting // up, and the answer to what was sent first is missing
	ready
)

type line struct {
	state uint8
	asked queue
	part  []byte // of an answer that is not whole yet
}

// New returns a publisher for the connections of l, which has [Lines] lines. refused is
// called on the lane's thread, possibly before Publish of a later message returns.
func New(l *lane.Lane, admin Admin, refused func(c wire.Conn, seq uint32, why results.Cause)) *Publisher {
	p := &Publisher{lane: l, target: l.Target, spread: l.Spread, admin: admin, refused: refused}
	l.Line(p)
	return p
}

// Dial connects all lines that are down. Call it on the lane's thread.
func (p *Publisher) Dial() {
	for k := range p.lines {
		if n := &p.lines[k]; n.state == down {
			n.state = dialling
			p.lane.DialLine(k, p.admin.Addr)
		}
	}
}

// Ready reports whether all lines are up and answer. Call it on the lane's thread.
func (p *Publisher) Ready() bool {
	for k := range p.lines {
		if p.lines[k].state != ready {
			return false
		}
	}
	return true
}

// Close ends all lines. Call it on the lane's thread.
func (p *Publisher) Close() {
	for k := range p.lines {
		p.lane.CloseLine(k)
		p.fall(k)
	}
}

// Publish publishes message seq of connection c, whose payload is head followed by
// body, to the channel of c. A cause other than "" says why nothing was sent.
func (p *Publisher) Publish(c wire.Conn, seq uint32, op frame.Opcode, head, body []byte) results.Cause {
	k := int(c % Lines)
	n := &p.lines[k]
	switch {
	case n.state == down:
		p.Dial() // for the next
		return results.CauseUnpublished
	case n.state != ready:
		return results.CauseUnpublished
	case n.asked.len() >= unanswered:
		return results.CauseBacklog
	}
	b := append(p.out[:0], "POST "...)
	b = append(b, p.admin.Path...)
	b = append(b, "/publish/"...)
	global := p.lane.Global(c)
	b = p.target.AppendChannel(b, p.spread.Destination(global), global)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, p.admin.Host...)
	if op == frame.Binary {
		b = append(b, "\r\nContent-Type: application/octet-stream"...)
	}
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(head)+len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	b = append(b, head...)
	b = append(b, body...)
	p.out = b
	switch why := p.lane.SendLine(k, b); why {
	case "":
		n.asked.push(asked{c, seq})
	case results.CauseBacklog:
		return why
	default:
		p.fall(k)
		return results.CauseUnpublished
	}
	return ""
}

// LineUp implements [lane.Lined]. A listener may end a connection on which nothing is
// asked for long; something is asked at once, whatever the answer.
func (p *Publisher) LineUp(k int, _ time.Duration) {
	p.lines[k].state = greeting
	p.out = fmt.Appendf(p.out[:0], "GET %s/ HTTP/1.1\r\nHost: %s\r\n\r\n", p.admin.Path, p.admin.Host)
	if why := p.lane.SendLine(k, p.out); why != "" {
		p.fall(k)
	}
}

// LineData implements [lane.Lined].
func (p *Publisher) LineData(k int, b []byte, _ time.Duration) {
	n := &p.lines[k]
	if len(n.part) > 0 {
		n.part = append(n.part, b...)
		b = n.part
	}
	for len(b) > 0 {
		a, size, err := parse(b)
		if err != nil || size > 0 && n.state == ready && n.asked.len() == 0 {
			p.lane.CloseLine(k)
			p.fall(k)
			return
		}
		if size == 0 {
			break
		}
		b = b[size:]
		if n.state == greeting {
			n.state = ready
			p.lane.Notify()
			continue
		}
		switch q := n.asked.pop(); {
		case a.status != 200:
			p.refused(q.conn, q.seq, results.CauseUnpublished)
		case a.receivers == 0:
			p.refused(q.conn, q.seq, results.CauseUnheard)
		}
	}
	n.part = append(n.part[:0], b...) // may be its own tail
}

// LineDown implements [lane.Lined].
func (p *Publisher) LineDown(k int, _ results.Cause, _ time.Duration) { p.fall(k) }

// fall gives up what was asked on a line that is gone.
func (p *Publisher) fall(k int) {
	n := &p.lines[k]
	n.state, n.part = down, n.part[:0]
	for n.asked.len() > 0 {
		q := n.asked.pop()
		p.refused(q.conn, q.seq, results.CauseUnpublished)
	}
}
