package frame

import (
	"encoding/binary"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"signalbench/server/bufpool"
	"signalbench/server/engine"
)

// A Sink receives what a stream says, in order. Every slice is valid only during
// the call. A Sink must not touch the Parser that calls it.
type Sink interface {
	// Message receives a whole message: text is valid UTF-8.
	Message(op engine.Opcode, p []byte)
	// Ping receives a ping; the payload is to be returned in a pong (RFC 6455
	// section 5.5.3).
	Ping(p []byte)
	// Pong receives a pong, asked for or not.
	Pong(p []byte)
	// Close receives the peer's close frame, [engine.CloseNoStatus] if it has no
	// code. Nothing follows.
	Close(code engine.CloseCode, reason []byte)
}

// A Parser takes a client's byte stream apart. The zero value is ready. See the
// package comment.
type Parser struct{ s *state }

// state is what a Parser holds in the middle of a frame or a message.
type state struct {
	head   header
	inside bool // head is complete, its payload is not
	open   bool // a message is in progress: its first frame has begun

	op    engine.Opcode   // of the message in progress
	valid int             // bytes of message that are whole characters, for text
	msg   *bufpool.Buffer // of the message in progress, unmasked
	got   int             // bytes of the current frame's payload

	nraw, nctl uint8
	raw        [maxHeader]byte  // an incomplete header
	ctl        [maxControl]byte // the payload of an incomplete control frame
}

var states = sync.Pool{New: func() any { return new(state) }}

// borrow makes sure that there is a state.
func (p *Parser) borrow() *state {
	if p.s == nil {
		p.s = states.Get().(*state)
	}
	return p.s
}

// Release gives back what an unfinished message holds. Call it when the
// connection ends; it may be called more than once.
func (p *Parser) Release() {
	if s := p.s; s != nil {
		bufpool.Put(s.msg)
		*s = state{}
		states.Put(s)
		p.s = nil
	}
}

// Idle reports whether the stream stands between two messages, where the Parser
// holds no memory.
func (p *Parser) Idle() bool { return p.s == nil }

// Feed takes the next bytes of the stream, any number of them, and calls sink
// for everything that they complete. It writes to data: payloads are unmasked in
// place. maxMessage is the largest message in bytes, fragments joined.
//
// A nil error means that the stream goes on. io.EOF means that a close frame has
// come (Sink.Close was called); bytes behind it are ignored (RFC 6455 section
// 5.5.1). A [*engine.CloseError] says with which code and reason the connection
// must be failed; it is shared and must not be changed. After an error the
// Parser has released everything and must not be fed again.
func (p *Parser) Feed(data []byte, maxMessage int, sink Sink) error {
	for len(data) > 0 {
		n, err := p.step(data, maxMessage, sink)
		if err != nil {
			p.Release()
			return err
		}
		data = data[n:]
	}
	return nil
}

// step takes one frame, or what there is of it, from the start of data and
// returns how many bytes it took: at least one.
func (p *Parser) step(data []byte, maxMessage int, sink Sink) (taken int, err error) {
	var h header
	if s := p.s; s != nil && s.inside {
		h = s.head
	} else {
		var whole bool
		if h, taken, whole, err = p.header(data); err != nil || !whole {
			return taken, err
		}
		if err := p.admit(&h, maxMessage); err != nil {
			return 0, err
		}
		data = data[taken:]
	}
	var n int
	if h.control() {
		n, err = p.control(&h, data, sink)
	} else {
		n, err = p.data(&h, data, sink)
	}
	return taken + n, err
}

// header takes a header that may have begun in an earlier slice.
func (p *Parser) header(data []byte) (h header, taken int, whole bool, err error) {
	s := p.s
	if s == nil || s.nraw == 0 {
		h, n, err := parseHeader(data)
		if err != nil || n > 0 {
			return h, n, n > 0, err
		}
		s = p.borrow()
		s.nraw = uint8(copy(s.raw[:], data))
		return h, len(data), false, nil
	}
	// The header ends where it is first complete, so what it leaves is found by
	// its own length and not by what was copied.
	before := int(s.nraw)
	room := copy(s.raw[before:], data)
	h, n, err := parseHeader(s.raw[:before+room])
	if err != nil {
		return h, 0, false, err
	}
	if n == 0 {
		s.nraw += uint8(room)
		return h, room, false, nil
	}
	s.nraw = 0
	return h, n - before, true, nil
}

// admit checks a frame against the message in progress and the limit, before
// anything of its payload is stored.
func (p *Parser) admit(h *header, maxMessage int) error {
	if h.control() {
		return nil // section 5.4: may come between the fragments of a message
	}
	open := p.s != nil && p.s.open
	if h.op == OpContinuation && !open {
		return errOrphan // section 5.4
	}
	if h.op != OpContinuation && open {
		return errInterleave // section 5.4
	}
	room := maxMessage
	if open && p.s.msg != nil {
		room -= len(p.s.msg.B)
	}
	if h.length > uint64(max(room, 0)) {
		return errTooBig // section 7.4.1, code 1009
	}
	return nil
}

// control takes what there is of a control frame's payload.
func (p *Parser) control(h *header, data []byte, sink Sink) (taken int, err error) {
	s := p.s
	var payload []byte
	switch {
	case (s == nil || !s.inside) && len(data) >= int(h.length):
		taken = int(h.length)
		payload = data[:taken]
	default:
		s = p.borrow()
		s.head, s.inside = *h, true
		taken = copy(s.ctl[s.nctl:h.length], data)
		s.nctl += uint8(taken)
		if int(s.nctl) < int(h.length) {
			return taken, nil
		}
		payload = s.ctl[:s.nctl]
	}
	ws.Cipher(payload, h.mask, 0)
	if s != nil {
		s.inside, s.nctl = false, 0
		// payload may lie in s: s is given back only after the call.
		defer p.settle()
	}
	switch h.op {
	case OpPing:
		sink.Ping(payload)
	case OpPong:
		sink.Pong(payload)
	default:
		return taken, closed(payload, sink)
	}
	return taken, nil
}

// closed checks the payload of a close frame (RFC 6455 section 5.5.1).
func closed(p []byte, sink Sink) error {
	if len(p) == 0 {
		sink.Close(engine.CloseNoStatus, nil) // section 7.1.5
		return io.EOF
	}
	if len(p) == 1 {
		return errClosePart // section 5.5.1: a body begins with a 2-byte code
	}
	code := engine.CloseCode(binary.BigEndian.Uint16(p))
	if !code.Received() {
		return errCloseCode // section 7.4
	}
	if !utf8.Valid(p[2:]) {
		return errReason // section 5.5.1: the reason is UTF-8; 8.1: else fail
	}
	sink.Close(code, p[2:])
	return io.EOF
}

// data takes what there is of a data frame's payload.
func (p *Parser) data(h *header, data []byte, sink Sink) (taken int, err error) {
	s := p.s
	whole := uint64(len(data)) >= h.length
	if h.fin && whole && (s == nil || !s.inside && !s.open) {
		// The common case: a message of one frame, all of it here.
		payload := data[:h.length]
		ws.Cipher(payload, h.mask, 0)
		if h.op == engine.OpText && !utf8.Valid(payload) {
			return 0, errText // section 8.1
		}
		p.settle()
		sink.Message(h.op, payload)
		return len(payload), nil
	}
	s = p.borrow()
	if !s.inside {
		s.head, s.inside, s.got = *h, true, 0
		if h.op != OpContinuation {
			s.open, s.op = true, h.op
		}
	}
	chunk := data[:min(uint64(len(data)), h.length-uint64(s.got))]
	ws.Cipher(chunk, h.mask, s.got)
	s.got += len(chunk)
	if len(chunk) > 0 {
		s.msg = bufpool.Append(s.msg, chunk)
	}
	if s.op == engine.OpText && s.msg != nil {
		n, ok := validPrefix(s.msg.B[s.valid:])
		if !ok {
			return 0, errText // section 8.1
		}
		s.valid += n
	}
	if uint64(s.got) < h.length {
		return len(chunk), nil
	}
	s.inside = false
	if !h.fin {
		return len(chunk), nil
	}
	var msg []byte
	if s.msg != nil {
		msg = s.msg.B
	}
	if s.op == engine.OpText && s.valid < len(msg) {
		return 0, errText // section 8.1: the message ends inside a character
	}
	sink.Message(s.op, msg)
	p.Release()
	return len(chunk), nil
}

// settle gives the state back if the stream stands between two messages.
func (p *Parser) settle() {
	if s := p.s; s != nil && !s.inside && !s.open && s.nraw == 0 {
		p.Release()
	}
}
