package lane

import (
	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// Shut begins the closing handshake of c with code 1000 (RFC 6455 section
// 7.1.2), or ends this side of a connection that has none, and reports whether it
// could: the window must have room. The server then ends the connection, or the lane does so with a reset after CloseTimeout.
// Workload.Ended follows with no cause, possibly before Shut returns. Closing
// what is not open does nothing.
func (l *Lane) Shut(c wire.Conn) bool {
	s := &l.sessions[c]
	if s.state != open {
		return true
	}
	if l.closes.full() {
		return false
	}
	if s.aux != 0 {
		l.partials.give(s.aux)
	}
	why := l.farewell(c, frame.Normal)
	i, _ := l.closes.add(c, l.now)
	s.state, s.aux = closing, i
	l.open--
	if why != "" {
		l.Transport.Close(c, true)
		l.lost(c, "")
	}
	return true
}

// ClosesFull reports whether the window of closing handshakes has no room.
func (l *Lane) ClosesFull() bool { return l.closes.full() }

// Cut ends c with a reset: a dial fails with the given cause, an upgraded
// connection ends with none.
func (l *Lane) Cut(c wire.Conn, why results.Cause) {
	switch s := &l.sessions[c]; s.state {
	case dialing:
		l.Transport.Close(c, true)
		l.failDial(c, why)
	case open, closing:
		l.Transport.Close(c, true)
		l.end(c)
		l.workload.Ended(c, "", l.now)
	}
}

// Drop ends c, which is upgraded and of no more use to this side, in good order and
// counts it as lost. Workload.Ended follows before Drop returns.
func (l *Lane) Drop(c wire.Conn, why results.Cause) {
	if l.sessions[c].state != open {
		return
	}
	l.farewell(c, frame.Normal)
	l.Transport.Close(c, false)
	l.lost(c, why)
}

// Abandon cuts every dial in progress. The workload must not dial again from
// its Failed.
func (l *Lane) Abandon(why results.Cause) {
	for i := l.dials.all[0].next; i != 0; i = l.dials.all[0].next {
		l.Cut(l.dials.all[i].conn, why)
	}
}

// closed handles a close frame. The answer to our own changes nothing: the
// server ends the connection next (RFC 6455 section 7.1.1). One that the server
// begins is answered, and the connection is lost.
func (l *Lane) closed(c wire.Conn, p []byte) error {
	code, err := frame.ParseClose(p)
	if err != nil {
		return err
	}
	if l.sessions[c].state == open {
		l.farewell(c, code)
		l.Transport.Close(c, false)
		l.lost(c, results.CauseClosed)
	}
	return nil
}
