package lane

import (
	"errors"
	"time"

	"signalbench/loadgen/internal/handshake"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// tries is how many sources a dial may try when one has no port left.
const tries = 8

// Full reports whether the dial window has no room.
func (l *Lane) Full() bool { return l.dials.full() }

// Dial begins to connect and upgrade c, which must be vacant; the window must
// have room. It is counted in shard. Workload.Opened or Workload.Failed follows,
// possibly before Dial returns.
//
// Connect time and dial time run from due.
func (l *Lane) Dial(c wire.Conn, due time.Duration, shard *record.Shard) {
	i, d := l.dials.add(c, l.now)
	d.due, d.shard = due, shard
	l.sessions[c].state, l.sessions[c].aux = dialing, i
	shard.Dials.Scheduled++
	l.request(c, d)
	for {
		route, _ := l.Spread.Route(l.Global(c), d.try)
		first := l.greet
		if len(l.hello) == 0 {
			first = nil
		}
		established, why := l.Transport.Dial(c, route, first)
		if why == results.CauseNoAddress && d.try < tries {
			if _, more := l.Spread.Route(l.Global(c), d.try+1); more {
				d.try++
				shard.Dials.Retried++
				continue
			}
		}
		if why != "" {
			l.now = l.Now()
			l.failDial(c, why)
			return
		}
		if established {
			// The answer may be on its way before send(2) has returned, so the
			// time is the one taken just before it.
			l.now = l.greeted
			if first == nil || l.Transport.Secure() {
				l.now = l.Now()
			}
			l.established(d)
			if d.requested = l.now; first == nil && !l.Transport.Secure() {
				l.opened(c, d)
			}
		}
		return
	}
}

// request writes the opening handshake of c to l.hello, nothing if there is none.
func (l *Lane) request(c wire.Conn, d *pending) {
	n := l.Global(c)
	l.hello = l.Dialect.Hello(l.hello[:0], n, l.Spread.Destination(n), &d.accept)
}

func (l *Lane) established(d *pending) {
	d.connected = l.now
	d.shard.Time(record.Connect, l.now-d.due)
}

// Connected implements [wire.Events].
func (l *Lane) Connected(c wire.Conn) {
	l.now = l.Now()
	if k, ok := l.lineOf(c); ok {
		l.lined.LineUp(k, l.now)
		return
	}
	d := &l.dials.all[l.sessions[c].aux]
	l.established(d)
	if !l.Transport.Secure() {
		l.ask(c, d)
	}
}

// Secured implements [wire.Events].
func (l *Lane) Secured(c wire.Conn) {
	l.now = l.Now()
	d := &l.dials.all[l.sessions[c].aux]
	d.shard.Time(record.TLS, l.now-d.connected)
	l.ask(c, d)
}

// ask sends the opening handshake. Without one c is open.
func (l *Lane) ask(c wire.Conn, d *pending) {
	d.requested = l.now
	if l.request(c, d); len(l.hello) == 0 {
		l.opened(c, d)
		return
	}
	if why := l.Transport.Send(c, l.hello); why != "" {
		l.Transport.Close(c, true)
		l.failDial(c, why)
	}
}

// failDial ends a dial whose connection the transport has forgotten.
func (l *Lane) failDial(c wire.Conn, why results.Cause) {
	l.dials.all[l.sessions[c].aux].shard.FailDial(why, 1)
	l.end(c)
	l.workload.Failed(c, why, l.now)
}

// response takes bytes of a response that is not whole yet.
func (l *Lane) response(c wire.Conn, p []byte) {
	d := &l.dials.all[l.sessions[c].aux]
	if len(d.head) > 0 {
		d.head = append(d.head, p...)
		p = d.head
	}
	n, err := handshake.End(p, d.seen)
	if n == 0 && err == nil {
		if len(d.head) == 0 {
			d.head = append(d.head, p...)
		}
		d.seen = len(p)
		return
	}
	if err == nil {
		err = handshake.Check(p[:n], &d.accept)
	}
	if err != nil {
		l.Transport.Close(c, true)
		l.failDial(c, judged(err))
		return
	}
	s := &l.sessions[c]
	gen := s.gen
	d.shard.Time(record.Upgrade, l.now-d.requested)
	l.opened(c, d)
	if behind := p[n:]; len(behind) > 0 && s.gen == gen {
		l.frames(c, behind)
	}
}

// opened ends a dial whose connection is open now.
func (l *Lane) opened(c wire.Conn, d *pending) {
	d.shard.Dials.Upgraded++
	d.shard.Time(record.Dial, l.now-d.due)
	s := &l.sessions[c]
	due := d.due
	l.dials.remove(s.aux)
	s.state, s.aux = open, 0
	l.open++
	l.workload.Opened(c, due, l.now)
}

// judged gives the cause for a response that is no upgrade.
func judged(err error) results.Cause {
	switch status := (*handshake.StatusError)(nil); {
	case errors.As(err, &status):
		return results.CauseStatus
	case errors.Is(err, handshake.ErrAccept):
		return results.CauseAccept
	}
	return results.CauseHandshake
}
