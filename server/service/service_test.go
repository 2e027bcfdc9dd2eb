package service

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"signalbench/server/channel"
	"signalbench/server/engine"
	"signalbench/server/gate"
	"signalbench/server/hongbao"
	"signalbench/server/hongbao/packet"
	"signalbench/server/hub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeConn keeps what it is sent and with what it is closed.
type fakeConn struct {
	mu     sync.Mutex
	state  any
	got    []string
	closed engine.CloseCode
}

func (c *fakeConn) keep(p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, string(p))
	return nil
}

func (c *fakeConn) sent() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

func (c *fakeConn) Send(_ engine.Opcode, p []byte) error        { return c.keep(p) }
func (c *fakeConn) SendPrepared(m *engine.Prepared) error       { return c.keep(m.Payload) }
func (c *fakeConn) Home() engine.Home                           { return nil }
func (c *fakeConn) Close(code engine.CloseCode, _ string) error { c.closed = code; return nil }
func (c *fakeConn) SetState(v any)                              { c.state = v }
func (c *fakeConn) State() any                                  { return c.state }
func (c *fakeConn) RemoteAddr() net.Addr                        { return nil }

func newService(t *testing.T, cfg gate.Config) *Service {
	t.Helper()
	rooms, err := hub.New(hub.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rooms.Close)
	envelopes, err := hongbao.New(hongbao.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Rooms: rooms, Channels: channel.New(channel.Config{}), Hongbao: envelopes, Gate: gate.New(cfg)})
}

func request(path, query string) *engine.Request {
	return &engine.Request{Path: path, RawQuery: query, RemoteAddr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:1"))}
}

// open connects to a path.
func open(t *testing.T, s *Service, path, query string) *fakeConn {
	t.Helper()
	r := request(path, query)
	if err := s.Accept(r); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	c := new(fakeConn)
	s.Open(c, r)
	return c
}

func wantRefused(t *testing.T, s *Service, path, query string, status int, reason string) {
	t.Helper()
	err := s.Accept(request(path, query))
	if r, ok := errors.AsType[*engine.Refusal](err); !ok || r.Status != status || !strings.Contains(r.Reason, reason) {
		t.Errorf("%s: %v, want %d %s", path, err, status, reason)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]gate.Config{"open": {}, "gated": {Conns: 100}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, cfg)
			wantRefused(t, s, "/", "", 404, "nothing here but /echo, /socket/websocket, /hongbao and /channel/NAME")
			wantRefused(t, s, "/channel/", "", 404, "/channel/NAME")
			wantRefused(t, s, "/socket/websocket", "vsn=9.0.0", 400, "9.0.0")

			echo, rooms, news := open(t, s, "/echo", ""), open(t, s, "/socket/websocket", "vsn=2.0.0"), open(t, s, "/channel/news", "")
			user := open(t, s, "/hongbao", "")
			for _, kind := range []packet.Type{packet.Login, packet.Shake} {
				s.Message(user, engine.OpBinary, (&packet.Packet{Type: kind, User: 7}).Append(nil))
			}
			s.Message(echo, engine.OpText, []byte("hello"))
			s.Message(rooms, engine.OpText, []byte(`["1","1","room:a","phx_join",{}]`))
			s.Message(news, engine.OpText, []byte("ignored"))
			if n, err := s.Publish(t.Context(), "news", engine.OpText, []byte("published")); n != 1 || err != nil {
				t.Errorf("published to %d, %v", n, err)
			}
			if n, err := s.Broadcast(t.Context(), "a", "news", []byte(`{"b":1}`)); n != 1 || err != nil {
				t.Errorf("broadcast to %d, %v", n, err)
			}
			if got := echo.sent(); !slices.Equal(got, []string{"hello"}) {
				t.Errorf("echo sent %q", got)
			}
			if got := user.sent(); len(got) != 2 || len(got[0]) != packet.Ack.Size() || len(got[1]) != packet.Reply.Size() {
				t.Errorf("the red envelopes sent %q", got)
			}
			if got := news.sent(); !slices.Equal(got, []string{"published"}) {
				t.Errorf("the channel sent %q", got)
			}
			if got := rooms.sent(); len(got) != 3 || !strings.Contains(got[0], `"ok"`) || got[2] != `[null,null,"room:a","news",{"b":1}]` {
				t.Errorf("the room sent %q", got)
			}
			st := s.Stats()
			if st.Rooms.Members != 1 || st.Channels.Subscribers != 1 || st.Gate.Addresses != min(cfg.Conns, 1) || st.Hongbao.Users != 1 || st.Hongbao.None != 1 {
				t.Errorf("stats %+v", st)
			}
			for _, c := range []*fakeConn{echo, rooms, news, user} {
				s.Closed(c, nil)
			}
			if st := s.Stats(); st.Rooms.Members != 0 || st.Rooms.Rooms != 0 || st.Channels.Subscribers != 0 || st.Gate.Addresses != 0 || st.Hongbao.Users != 0 {
				t.Errorf("stats at the end %+v", st)
			}
		})
	}
}

// With channels at the root, a path that nothing else has is one.
func TestChannelsAtTheRoot(t *testing.T) {
	t.Parallel()
	cfg := newService(t, gate.Config{}).cfg
	cfg.Channels = channel.New(channel.Config{Root: true})
	s := New(cfg)
	wantRefused(t, s, "/", "", 404, "nothing here but")
	wantRefused(t, s, "/channel/", "", 404, "/channel/NAME")
	wantRefused(t, s, "/"+strings.Repeat("x", channel.MaxName+1), "", 404, "at most")
	root, named, nested, echo := open(t, s, "/17", ""), open(t, s, "/channel/17", ""), open(t, s, "/a/b", ""), open(t, s, "/echo", "")
	s.Message(echo, engine.OpText, []byte("hello"))
	for name, want := range map[string]int{"17": 2, "a/b": 1, "echo": 0} {
		if n, err := s.Publish(t.Context(), name, engine.OpText, []byte("to "+name)); n != want || err != nil {
			t.Errorf("%s reached %d, %v; want %d", name, n, err, want)
		}
	}
	for c, want := range map[*fakeConn]string{root: "to 17", named: "to 17", nested: "to a/b", echo: "hello"} {
		if got := c.sent(); !slices.Equal(got, []string{want}) {
			t.Errorf("got %q, want %q", got, want)
		}
		s.Closed(c, nil)
	}
	if n := s.Stats().Channels.Channels; n != 0 {
		t.Errorf("%d channels are left", n)
	}
}

// A token is asked for on every path, and says which rooms and channels are open.
func TestToken(t *testing.T) {
	t.Parallel()
	secret := gate.Secret("0123456789abcdef0123456789abcdef")
	token, err := secret.Sign("ada", []string{"room:a", "channel:a"}, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	s := newService(t, gate.Config{Secret: secret})
	for _, path := range []string{"/echo", "/socket/websocket", "/channel/a"} {
		wantRefused(t, s, path, "", 401, "token is missing")
		open(t, s, path, "token="+token)
	}
	wantRefused(t, s, "/channel/b", "token="+token, 403, "channel:b")
	c := open(t, s, "/socket/websocket", "vsn=2.0.0&token="+token)
	s.Message(c, engine.OpText, []byte(`["1","1","room:b","phx_join",{}]`))
	s.Message(c, engine.OpText, []byte(`["2","2","room:a","phx_join",{"user":"eve"}]`))
	got := strings.Join(c.sent(), "\n")
	if !strings.Contains(got, "unauthorized") || !strings.Contains(got, `"user":"ada"`) || strings.Contains(got, "eve") {
		t.Errorf("the room sent %s", got)
	}
}

// Too many messages end an echo; a room answers that they are too many, and stays.
func TestMessageRate(t *testing.T) {
	t.Parallel()
	s := newService(t, gate.Config{Messages: 2})
	echo := open(t, s, "/echo", "")
	for range 3 {
		s.Message(echo, engine.OpText, []byte("hello"))
	}
	if n := len(echo.sent()); n != 2 || echo.closed != engine.ClosePolicyViolation {
		t.Errorf("%d echoes, closed with %d", n, echo.closed)
	}
	rooms := open(t, s, "/socket/websocket", "vsn=2.0.0")
	s.Message(rooms, engine.OpText, []byte(`["1","1","room:a","phx_join",{}]`))
	if got := strings.Join(rooms.sent(), ""); !strings.Contains(got, "rate limit") || rooms.closed != 0 {
		t.Errorf("the room sent %s, closed with %d", got, rooms.closed)
	}
	if n := s.Stats().Gate.Messages; n != 2 {
		t.Errorf("%d refusals counted, want 2", n)
	}
}

// One that was asked about in time and opened too late is closed, and its handler
// never hears of it.
func TestLateConnection(t *testing.T) {
	t.Parallel()
	s := newService(t, gate.Config{Conns: 1})
	late := request("/channel/news", "")
	if err := s.Accept(late); err != nil {
		t.Fatal(err)
	}
	first := open(t, s, "/channel/news", "")
	c := new(fakeConn)
	s.Open(c, late)
	if c.closed != engine.CloseTryAgainLater {
		t.Errorf("closed with %d", c.closed)
	}
	s.Message(c, engine.OpText, []byte("hello"))
	s.Closed(c, nil)
	if n := s.Stats().Channels; n.Subscribers != 1 || n.Ignored != 0 {
		t.Errorf("channels %+v", n)
	}
	wantRefused(t, s, "/echo", "", 429, "too many connections")
	s.Closed(first, nil)
	open(t, s, "/echo", "")
}

func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Channels: channel.New(channel.Config{Ping: time.Minute}), Gate: gate.New(gate.Config{Upgrades: 2})})
		c := open(t, s, "/channel/news", "")
		s.Closed(open(t, s, "/echo", ""), nil)
		s.Closed(c, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 2*sweepEvery)
		defer cancel()
		s.Run(ctx)
		if n := s.cfg.Gate.Stats().Addresses; n != 0 {
			t.Errorf("%d addresses are known", n)
		}
	})
}
