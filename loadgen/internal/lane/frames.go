package lane

import (
	"errors"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// errTooLong is no violation: the server may, and this side will not.
var errTooLong = errors.New("message longer than any that was sent")

// Data implements [wire.Events].
func (l *Lane) Data(c wire.Conn, p []byte) {
	l.now = l.Now()
	if k, ok := l.lineOf(c); ok {
		l.lined.LineData(k, p, l.now)
		return
	}
	switch l.sessions[c].state {
	case dialing:
		l.response(c, p)
	case open:
		l.frames(c, p)
	case closing:
		// What still comes was given up; only the end of the stream matters.
	}
}

// frames takes bytes of an upgraded connection: any number of frames, cut
// anywhere. What the workload sends to the same connection meanwhile leaves in
// one piece at the end.
func (l *Lane) frames(c wire.Conn, p []byte) {
	s := &l.sessions[c]
	gen := s.gen
	if s.aux != 0 {
		if held := l.partials.all[s.aux]; len(held.buf) > 0 {
			held.buf = append(held.buf, p...)
			p = held.buf
		}
	}
	l.cork, l.corked = true, c
	l.out = l.out[:0]
	for len(p) > 0 {
		h, payload, end, err := l.Dialect.Cut(p, l.MaxMessage)
		if err != nil {
			l.cork = false
			l.violated(c, err)
			return
		}
		if end == 0 {
			break
		}
		err = l.frame(c, h, payload)
		if s.gen != gen || s.state != open {
			l.cork = false
			return
		}
		if err != nil {
			l.cork = false
			l.violated(c, err)
			return
		}
		p = p[end:]
	}
	l.hold(c, p)
	l.uncork(c)
}

// hold keeps the start of a frame for later, and nothing if there is none.
func (l *Lane) hold(c wire.Conn, p []byte) {
	s := &l.sessions[c]
	if s.aux == 0 {
		if len(p) == 0 {
			return
		}
		s.aux = l.partials.take()
	}
	held := l.partials.all[s.aux]
	held.buf = append(held.buf[:0], p...) // p may be the tail of held.buf
	if held.empty() {
		l.partials.give(s.aux)
		s.aux = 0
	}
}

// frame handles one frame. After an error the connection is to be ended.
func (l *Lane) frame(c wire.Conn, h frame.Header, p []byte) error {
	switch h.Opcode {
	case frame.Ping:
		if l.sessions[c].muted {
			return nil
		}
		// RFC 6455 section 5.5.2. A server that does not read its pongs gets none.
		if why := l.Send(c, frame.Pong, nil, p); why != "" && why != results.CauseBacklog {
			l.workload.Ended(c, why, l.now)
		}
		return nil
	case frame.Pong:
		l.workload.Ponged(c, p, l.now)
		return nil
	case frame.Close:
		return l.closed(c, p)
	}
	return l.data(c, h, p)
}

// data joins fragments (RFC 6455 section 5.4).
func (l *Lane) data(c wire.Conn, h frame.Header, p []byte) error {
	s := &l.sessions[c]
	joining := s.aux != 0 && l.partials.all[s.aux].joining
	if joining != (h.Opcode == frame.Continuation) {
		return frame.ErrFragment
	}
	if h.Final && !joining {
		l.workload.Received(c, h.Opcode, p, l.now)
		return nil
	}
	if s.aux == 0 {
		s.aux = l.partials.take()
	}
	held := l.partials.all[s.aux]
	if !joining {
		held.joining, held.op, held.message = true, h.Opcode, held.message[:0]
	}
	if len(held.message)+len(p) > l.MaxMessage {
		return errTooLong
	}
	held.message = append(held.message, p...)
	if h.Final {
		held.joining = false // hold gives it back
		l.workload.Received(c, held.op, held.message, l.now)
	}
	return nil
}

// Send sends one message or control frame whose payload is head followed by
// body; neither is kept. While data of the same connection is being handled,
// frames are collected and leave together. [results.CauseBacklog] means that
// nothing was sent and the connection lives on; after any other cause it is
// gone, and the workload is not told of that again.
func (l *Lane) Send(c wire.Conn, op frame.Opcode, head, body []byte) results.Cause {
	if l.sessions[c].state != open {
		return results.CauseNoConn
	}
	if l.cork && l.corked == c {
		if l.Transport.Full(c) || len(l.out) > corkLimit {
			return results.CauseBacklog
		}
		l.out = l.Dialect.Frame(l.out, op, head, body)
		return ""
	}
	if l.cork {
		// Another connection's frames are being collected in front.
		at := len(l.out)
		l.out = l.Dialect.Frame(l.out, op, head, body)
		why := l.Transport.Send(c, l.out[at:])
		l.out = l.out[:at]
		return l.dropped(c, why)
	}
	l.out = l.Dialect.Frame(l.out[:0], op, head, body)
	return l.dropped(c, l.Transport.Send(c, l.out))
}

// corkLimit bounds what is collected for one connection.
const corkLimit = 1 << 20

func (l *Lane) dropped(c wire.Conn, why results.Cause) results.Cause {
	if why != "" && why != results.CauseBacklog {
		l.end(c)
		l.losses.Lose(why)
	}
	return why
}

// uncork sends what was collected for c.
func (l *Lane) uncork(c wire.Conn) {
	l.cork = false
	if len(l.out) == 0 {
		return
	}
	if why := l.Transport.Send(c, l.out); why != "" {
		l.Transport.Close(c, true)
		l.lost(c, why)
	}
}

// violated ends a connection on which the server broke the protocol.
func (l *Lane) violated(c wire.Conn, err error) {
	why := results.CauseProtocol
	if errors.Is(err, errTooLong) {
		why = results.CauseOther
	}
	l.farewell(c, frame.ProtocolError)
	l.Transport.Close(c, false)
	l.lost(c, why)
}

// farewell sends a close frame, if it can. Where there is none the end of the stream
// says as much.
func (l *Lane) farewell(c wire.Conn, code frame.Code) results.Cause {
	if l.cork && l.corked == c && len(l.out) > 0 {
		// What was collected goes first. If it fails, so will the close frame.
		l.Transport.Send(c, l.out)
		l.out = l.out[:0]
	}
	at := len(l.out)
	l.out = l.Dialect.Farewell(l.out, code)
	bye := l.out[at:]
	l.out = l.out[:at]
	if len(bye) == 0 {
		return l.Transport.Finish(c)
	}
	return l.Transport.Send(c, bye)
}
