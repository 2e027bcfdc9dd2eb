package hongbao

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"signalbench/server/engine"
	"signalbench/server/frame"
	"signalbench/server/hongbao/packet"
)

// Path is where the handler answers.
const Path = "/hongbao"

// Config says how much of everything there is in a second.
type Config struct {
	// Envelopes and Gifts enter while somebody shakes.
	Envelopes, Gifts float64
	// Shakes are answered with overload beyond so many in one second; 0 is no limit.
	Shakes float64
}

// DefaultConfig is what the author's scripts and server have.
func DefaultConfig() Config { return Config{Envelopes: 200, Gifts: 200, Shakes: 65_000} }

// A Handler implements [engine.Handler] for connections to [Path].
type Handler struct {
	start    time.Time
	limit    limit
	treasury treasury
	overload atomic.Uint64 // shakes
	told     atomic.Uint64 // notices
	buffers  sync.Pool     // of *[packet.MaxSize]byte
}

// A player is the state of a connection.
type player struct {
	conn  engine.Conn
	user  uint32
	index atomic.Int32 // in treasury.present; -1 before the login
}

// A notice tells players of a gift.
type notice struct {
	packet packet.Packet
	to     []*player
}

var _ engine.Handler = (*Handler)(nil)

// New returns a handler nobody is logged in with.
func New(cfg Config) (*Handler, error) {
	for _, r := range []struct {
		what string
		rate float64
	}{{"envelopes", cfg.Envelopes}, {"gifts", cfg.Gifts}, {"shakes", cfg.Shakes}} {
		if !(r.rate >= 0 && r.rate <= math.MaxInt32) {
			return nil, fmt.Errorf("%g %s per second are not within 0 and %d", r.rate, r.what, math.MaxInt32)
		}
	}
	h := &Handler{start: time.Now(), limit: limit{perSecond: uint64(math.Ceil(cfg.Shakes))}}
	h.treasury.envelopes.rate, h.treasury.gifts.rate = cfg.Envelopes, cfg.Gifts
	h.buffers.New = func() any { return new([packet.MaxSize]byte) }
	return h, nil
}

// Accept implements [engine.Handler].
func (*Handler) Accept(*engine.Request) error { return nil }

// Open implements [engine.Handler].
func (h *Handler) Open(c engine.Conn, _ *engine.Request) {
	p := &player{conn: c}
	p.index.Store(-1)
	c.SetState(p)
}

// Closed implements [engine.Handler].
func (h *Handler) Closed(c engine.Conn, _ error) { h.treasury.leave(c.State().(*player)) }

// Owns reports whether a connection's state is of this handler.
func Owns(state any) bool {
	_, ok := state.(*player)
	return ok
}

// Message implements [engine.Handler]. What is no packet, or none that a user of the
// connection may send, ends it.
func (h *Handler) Message(c engine.Conn, op engine.Opcode, b []byte) {
	p := c.State().(*player)
	if op != engine.OpBinary {
		_ = c.Close(engine.CloseUnsupported, "packets are binary messages") // it may have ended
		return
	}
	var in packet.Packet
	if err := in.Decode(b); err != nil {
		_ = c.Close(engine.CloseInvalidPayload, err.Error())
		return
	}
	now := time.Now()
	switch in.Type {
	case packet.Login:
		h.login(p, in.User, now)
		return
	case packet.Shake, packet.Grab:
	default:
		_ = c.Close(engine.ClosePolicyViolation, "a client sends login, shake and grab")
		return
	}
	switch {
	case p.index.Load() < 0:
		_ = c.Close(engine.ClosePolicyViolation, "log in first")
	case in.User != p.user:
		_ = c.Close(engine.ClosePolicyViolation, "another user has logged in here")
	case in.Type == packet.Grab:
		h.send(c, now, packet.Packet{Type: packet.GrabReply, ID: in.ID, Amount: h.treasury.grab(in.ID, p.user)})
	default:
		h.shake(p, now)
	}
}

// login is answered before others can send to the player.
func (h *Handler) login(p *player, user uint32, now time.Time) {
	out := packet.Packet{Type: packet.Ack, User: user, Result: packet.Welcome}
	if p.index.Load() >= 0 {
		out.Result = packet.Refused
		h.send(p.conn, now, out)
		return
	}
	p.user = user
	h.send(p.conn, now, out)
	h.treasury.enter(p)
}

func (h *Handler) shake(p *player, now time.Time) {
	at := now.Sub(h.start)
	out := packet.Packet{Type: packet.Reply, User: p.user}
	if !h.limit.allow(at) {
		h.overload.Add(1)
		out.Result = packet.Overload
		h.send(p.conn, now, out)
		return
	}
	e, got, told := h.treasury.shake(at)
	if got {
		out.Result, out.ID, out.Amount = packet.Got, e.id, e.cents
	}
	h.send(p.conn, now, out)
	for i := range told {
		h.tell(&told[i], now)
	}
}

// tell sends a notice to all whom a gift is for, each on its own event loop where it
// has one.
func (h *Handler) tell(n *notice, now time.Time) {
	n.packet.Time = uint64(now.Unix())
	m := frame.Prepare(engine.OpBinary, n.packet.Append(nil))
	for _, p := range n.to {
		send := func() {
			if p.conn.SendPrepared(m) == nil { // otherwise it has ended, or is slow and dealt with
				h.told.Add(1)
			}
		}
		if home := p.conn.Home(); home != nil {
			home.Do(send)
		} else {
			send()
		}
	}
}

// send sends a packet to whom it answers.
func (h *Handler) send(c engine.Conn, now time.Time, out packet.Packet) {
	out.Time = uint64(now.Unix())
	buf := h.buffers.Get().(*[packet.MaxSize]byte)
	_ = c.Send(engine.OpBinary, out.Append(buf[:0])) // it has ended, or is slow and dealt with
	h.buffers.Put(buf)
}

// Stats reads all counters; what is said of money is of one moment.
func (h *Handler) Stats() Stats {
	s := h.treasury.stats()
	s.Overload, s.Told = h.overload.Load(), h.told.Load()
	return s
}
