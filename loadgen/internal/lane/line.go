package lane

import (
	"net/netip"
	"time"

	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// Lines are connections of a lane beside those of the run: they carry bytes as they
// are, without WebSocket or TLS, and count nowhere. A Lined is told what happens to
// them, on the lane's thread.
type Lined interface {
	// LineUp tells that line k is established.
	LineUp(k int, now time.Duration)
	// LineData brings the next bytes of line k. p is valid only during the call.
	LineData(k int, p []byte, now time.Duration)
	// LineDown tells that line k is gone, or was never established.
	LineDown(k int, why results.Cause, now time.Duration)
}

// Line has h told about the lane's lines, of which there are Config.Lines. Call it
// before Run.
func (l *Lane) Line(h Lined) { l.lined = h }

// DialLine begins to connect line k, which must be down. LineUp or LineDown follows,
// possibly before DialLine returns.
func (l *Lane) DialLine(k int, to netip.AddrPort) {
	established, why := l.Transport.Dial(l.line(k), wire.Route{To: to}, nil)
	switch {
	case why != "":
		l.lined.LineDown(k, why, l.Now())
	case established:
		l.lined.LineUp(k, l.Now())
	}
}

// SendLine sends bytes on line k, which must be up. [results.CauseBacklog] means that
// nothing was sent and the line stays; after any other cause it is down, and LineDown
// does not follow.
func (l *Lane) SendLine(k int, p []byte) results.Cause { return l.Transport.Send(l.line(k), p) }

// CloseLine ends line k. LineDown does not follow.
func (l *Lane) CloseLine(k int) { l.Transport.Close(l.line(k), false) }

// line is the number that the transport knows line k by: they come after the
// connections.
func (l *Lane) line(k int) wire.Conn { return wire.Conn(l.Conns + k) }

// lineOf is the number of the line that the transport knows as c.
func (l *Lane) lineOf(c wire.Conn) (k int, ok bool) {
	k = int(c) - l.Conns
	return k, k >= 0
}
