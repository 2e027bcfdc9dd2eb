package hongbao

import (
	"net"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"signalbench/server/engine"
	"signalbench/server/hongbao/packet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fake is a user's connection. It keeps the packets that it gets.
type fake struct {
	t     testing.TB
	state any
	home  engine.Home

	mu     sync.Mutex
	got    []packet.Packet
	closed engine.CloseCode
	ended  bool // nothing can be sent any more
}

var _ engine.Conn = (*fake)(nil)

func (f *fake) Send(op engine.Opcode, b []byte) error {
	var p packet.Packet
	if err := p.Decode(b); err != nil || op != engine.OpBinary || p.Time == 0 {
		f.t.Errorf("sent %x with opcode %d: %v", b, op, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return engine.ErrClosed
	}
	p.Time = 0
	f.got = append(f.got, p)
	return nil
}

func (f *fake) SendPrepared(m *engine.Prepared) error       { return f.Send(m.Op, m.Payload) }
func (f *fake) Home() engine.Home                           { return f.home }
func (f *fake) Close(code engine.CloseCode, _ string) error { f.closed = code; return nil }
func (f *fake) SetState(v any)                              { f.state = v }
func (f *fake) State() any                                  { return f.state }
func (f *fake) RemoteAddr() net.Addr                        { return nil }

// take returns what the user got since the last call.
func (f *fake) take() []packet.Packet {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.got
	f.got = nil
	return got
}

func newHandler(t testing.TB, cfg Config) *Handler {
	t.Helper()
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// open connects somebody.
func open(t testing.TB, h *Handler) *fake {
	t.Helper()
	if err := h.Accept(&engine.Request{Path: Path}); err != nil {
		t.Fatal(err)
	}
	f := &fake{t: t}
	h.Open(f, nil)
	if !Owns(f.State()) {
		t.Fatal("a connection has no state of the handler")
	}
	return f
}

// say sends a packet to the handler.
func say(h *Handler, f *fake, p packet.Packet) { h.Message(f, engine.OpBinary, p.Append(nil)) }

// enter connects and logs in a user.
func enter(t testing.TB, h *Handler, user uint32) *fake {
	t.Helper()
	f := open(t, h)
	say(h, f, packet.Packet{Type: packet.Login, User: user})
	if got := f.take(); len(got) != 1 || got[0] != (packet.Packet{Type: packet.Ack, User: user}) {
		t.Fatalf("a login was answered with %+v", got)
	}
	return f
}

// shake shakes and returns the reply; what else came is put back.
func shake(t testing.TB, h *Handler, f *fake) packet.Packet {
	t.Helper()
	say(h, f, packet.Packet{Type: packet.Shake, User: f.State().(*player).user})
	got := f.take()
	for i, p := range got {
		if p.Type == packet.Reply {
			f.got = append(got[:i:i], got[i+1:]...)
			return p
		}
	}
	t.Fatalf("a shake was answered with %+v", got)
	return packet.Packet{}
}

// grab grabs and returns the share.
func grab(t testing.TB, h *Handler, f *fake, id uint32) uint32 {
	t.Helper()
	say(h, f, packet.Packet{Type: packet.Grab, User: f.State().(*player).user, ID: id})
	got := f.take()
	if len(got) != 1 || got[0].Type != packet.GrabReply || got[0].ID != id {
		t.Fatalf("a grab was answered with %+v", got)
	}
	return got[0].Amount
}

// balance checks that every cent is somewhere.
func balance(t testing.TB, s Stats) {
	t.Helper()
	if sum := s.Shaken.Cents + s.Grabbed.Cents + s.Returned.Cents + s.Waiting.Cents; sum != s.Entered.Cents {
		t.Errorf("%d cents entered and %d are somewhere: %+v", s.Entered.Cents, sum, s)
	}
}
