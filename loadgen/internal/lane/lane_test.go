package lane_test

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/record"
	"signalbench/loadgen/internal/target"
	"signalbench/loadgen/internal/wire"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/results"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is a workload that does what a test says and notes what it is told.
type script struct {
	lane.Idle
	l        *lane.Lane
	shard    *record.Shard
	dial     int // connections to dial, one after the other as there is room
	opened   func(c wire.Conn)
	received func(c wire.Conn, op frame.Opcode, p []byte)
	ended    func(c wire.Conn, why results.Cause)

	next     wire.Conn
	messages []string
	causes   []results.Cause // of connections that ended
	failed   []results.Cause // of dials
	opens    int
	atOnce   int
}

func (s *script) Next() time.Duration {
	if int(s.next) < s.dial && !s.l.Full() {
		return 0
	}
	return lane.Never
}

func (s *script) Fire(now time.Duration) {
	s.next++
	s.l.Dial(s.next-1, now, s.shard)
	s.atOnce = max(s.atOnce, s.l.Dialing())
}

func (s *script) Opened(c wire.Conn, _, _ time.Duration) {
	s.opens++
	if s.opened != nil {
		s.opened(c)
	}
}

func (s *script) Failed(_ wire.Conn, why results.Cause, _ time.Duration) {
	s.failed = append(s.failed, why)
}

func (s *script) Received(c wire.Conn, op frame.Opcode, p []byte, _ time.Duration) {
	s.messages = append(s.messages, string(p))
	if s.received != nil {
		s.received(c, op, p)
	}
}

func (s *script) Ended(c wire.Conn, why results.Cause, _ time.Duration) {
	s.causes = append(s.causes, why)
	if s.ended != nil {
		s.ended(c, why)
	}
}

// perform runs a lane on a net until nothing happens any more.
func perform(t *testing.T, n *wiretest.Net, s *script, change func(*lane.Config)) {
	t.Helper()
	tg, err := target.Resolve(context.Background(), []string{"ws://127.0.0.1:1/echo"}, "")
	if err != nil {
		t.Fatal(err)
	}
	c := lane.Config{
		Stride: 1, Conns: max(s.dial, 1), Now: n.Now, Transport: n, Target: tg, Spread: tg.Spread(1, 28000),
		Pending: 4, DialTimeout: time.Second, CloseTimeout: time.Second, MaxMessage: 1 << 20, Notify: func() {},
	}
	if change != nil {
		change(&c)
	}
	s.l = lane.New(c)
	s.shard = record.NewShard(record.Connect, record.Upgrade, record.Dial)
	s.l.Use(s, s.shard)
	n.Idle = s.l.Stop
	done := make(chan error)
	go func() { done <- s.l.Run() }()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	d := s.shard.Dials
	if d.Scheduled != d.Upgraded+d.Failed+d.Dropped || int(d.Upgraded) != s.opens || int(d.Failed) != len(s.failed) {
		t.Errorf("%+v, and the workload was told of %d upgrades and %d failures", d, s.opens, len(s.failed))
	}
}

func TestUpgradeTimes(t *testing.T) {
	n := &wiretest.Net{Latency: time.Millisecond}
	s := &script{dial: 1}
	perform(t, n, s, nil)
	for m, want := range map[record.Metric]time.Duration{record.Connect: time.Millisecond, record.Upgrade: time.Millisecond, record.Dial: 2 * time.Millisecond} {
		if h := s.shard.Histogram(m); h.Count() != 1 || (h.Max()-want).Abs() > want/1000 {
			t.Errorf("%s: %v, want %v", m, h, want)
		}
	}
}

// Not more dials are in progress than the window has room for, and all happen.
func TestDialWindow(t *testing.T) {
	for _, latency := range []time.Duration{0, time.Millisecond} {
		s := &script{dial: 100}
		perform(t, &wiretest.Net{Latency: latency}, s, nil)
		if s.opens != 100 || s.atOnce > 4 || latency > 0 && s.atOnce != 4 {
			t.Errorf("latency %v: %d of 100 opened, %d at once of 4", latency, s.opens, s.atOnce)
		}
	}
}

func TestDialFails(t *testing.T) {
	answer := func(text string) func(*wiretest.Peer, *http.Request) {
		return func(p *wiretest.Peer, _ *http.Request) { p.Write([]byte(text)) }
	}
	for _, tc := range []struct {
		name string
		net  wiretest.Net
		want results.Cause
	}{
		{"refused at once", wiretest.Net{Route: func(wire.Conn, wire.Route) results.Cause { return results.CauseRefused }}, results.CauseRefused},
		{"status", wiretest.Net{Handshake: answer("HTTP/1.1 200 OK\r\n\r\n")}, results.CauseStatus},
		{"garbage", wiretest.Net{Handshake: answer("SSH-2.0\r\n")}, results.CauseHandshake},
		{"wrong accept", wiretest.Net{Handshake: answer("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")}, results.CauseAccept},
		{"no field", wiretest.Net{Handshake: answer("HTTP/1.1 101 x\r\n\r\n")}, results.CauseHandshake},
		{"silence", wiretest.Net{Handshake: answer("HTTP/1.1 101")}, results.CauseTimeout},
		{"end of stream", wiretest.Net{Handshake: func(p *wiretest.Peer, _ *http.Request) { p.End(results.CauseClosed) }}, results.CauseClosed},
		{"never connected", wiretest.Net{Latency: time.Hour}, results.CauseTimeout},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &script{dial: 9}
			perform(t, &tc.net, s, nil)
			if s.opens != 0 || len(s.failed) != 9 || slices.ContainsFunc(s.failed, func(c results.Cause) bool { return c != tc.want }) {
				t.Errorf("opened %d, failed with %q; want 9 times %q", s.opens, s.failed, tc.want)
			}
			if s.shard.Dials.Causes[tc.want] != 9 {
				t.Errorf("counted %v", s.shard.Dials.Causes)
			}
		})
	}
}

// A source without free ports is tried no second time; the dial goes on from
// another one and counts once.
func TestDialRetriesAnotherSource(t *testing.T) {
	var from []string
	n := &wiretest.Net{Route: func(_ wire.Conn, r wire.Route) results.Cause {
		from = append(from, r.From.String())
		if len(from) < 4 {
			return results.CauseNoAddress
		}
		return ""
	}}
	s := &script{dial: 1}
	perform(t, n, s, nil)
	if want := []string{"invalid IP", "127.0.0.2", "127.0.0.3", "127.0.0.4"}; !slices.Equal(from, want) {
		t.Errorf("dialled from %v, want %v", from, want)
	}
	if d := s.shard.Dials; d.Scheduled != 1 || d.Upgraded != 1 || d.Retried != 3 {
		t.Errorf("%+v", d)
	}
	n = &wiretest.Net{Route: func(wire.Conn, wire.Route) results.Cause { return results.CauseNoAddress }}
	s = &script{dial: 1}
	perform(t, n, s, nil)
	if d := s.shard.Dials; d.Failed != 1 || d.Causes[results.CauseNoAddress] != 1 || d.Retried > 10 {
		t.Errorf("%+v", d)
	}
}

// frames are what a server may send, in order, and what of it is a message.
var frames = []struct {
	wire    []byte
	message string
}{
	{wiretestFrame(ws.OpText, true, "first"), "first"},
	{wiretestFrame(ws.OpPing, true, "are you there"), ""},
	{wiretestFrame(ws.OpBinary, false, "frag"), ""},
	{wiretestFrame(ws.OpPong, true, ""), ""},
	{wiretestFrame(ws.OpContinuation, false, "men"), ""},
	{wiretestFrame(ws.OpPing, true, ""), ""},
	{wiretestFrame(ws.OpContinuation, true, "ted"), "fragmented"},
	{wiretestFrame(ws.OpText, true, ""), ""}, // an empty message is one too
	{wiretestFrame(ws.OpText, true, string(bytes.Repeat([]byte("x"), 70_000))), string(bytes.Repeat([]byte("x"), 70_000))},
	{wiretestFrame(ws.OpText, true, "last"), "last"},
}

func wiretestFrame(op ws.OpCode, final bool, payload string) []byte {
	return ws.MustCompileFrame(ws.NewFrame(op, final, []byte(payload)))
}

// However the bytes of handshake and frames are cut, the messages are the same,
// pings are answered, and nothing is kept at the end.
func TestFramesHoweverCut(t *testing.T) {
	var stream []byte
	want := []string{}
	for i, f := range frames {
		stream = append(stream, f.wire...)
		if f.message != "" || i == 7 {
			want = append(want, f.message)
		}
	}
	for _, size := range []int{1, 2, 3, 7, 64, 1000, 1 << 20} {
		pongs := []string{}
		n := &wiretest.Net{
			Handshake: func(p *wiretest.Peer, r *http.Request) {
				all := append(wiretest.Response(r), stream...) // glued to the 101
				for part := range slices.Chunk(all, size) {
					p.Write(part)
				}
			},
			Frame: func(_ *wiretest.Peer, f ws.Frame) {
				if f.Header.OpCode == ws.OpPong {
					pongs = append(pongs, string(f.Payload))
				}
			},
		}
		s := &script{dial: 1}
		perform(t, n, s, nil)
		if !slices.Equal(s.messages, want) {
			t.Errorf("cut every %d: %d messages, want %d", size, len(s.messages), len(want))
		}
		if !slices.Equal(pongs, []string{"are you there", ""}) {
			t.Errorf("cut every %d: pongs %q", size, pongs)
		}
		if len(s.causes) != 0 || s.l.Open() != 1 {
			t.Errorf("cut every %d: connection ended with %q", size, s.causes)
		}
	}
}

func TestViolations(t *testing.T) {
	masked := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("x"))))
	for _, tc := range []struct {
		name string
		wire []byte
		want results.Cause
		code ws.StatusCode // of the close frame that answers
	}{
		{"masked", masked, results.CauseProtocol, 1002},
		{"reserved bit", []byte{0xC1, 0}, results.CauseProtocol, 1002},
		{"reserved opcode", []byte{0x83, 0}, results.CauseProtocol, 1002},
		{"long ping", []byte{0x89, 126, 0, 200}, results.CauseProtocol, 1002},
		{"continuation of nothing", wiretestFrame(ws.OpContinuation, true, "x"), results.CauseProtocol, 1002},
		{"message in a message", append(wiretestFrame(ws.OpText, false, "x"), wiretestFrame(ws.OpText, true, "y")...), results.CauseProtocol, 1002},
		{"close of one octet", []byte{0x88, 1, 3}, results.CauseProtocol, 1002},
		{"close 1005", []byte{0x88, 2, 3, 0xED}, results.CauseProtocol, 1002},
		{"too long", []byte{0x82, 127, 0, 0, 0, 0, 1, 0, 0, 0}, results.CauseOther, 1002},
		{"too long in parts", joined(), results.CauseOther, 1002},
		{"close 1001", ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1001, "bye"))), results.CauseClosed, 1001},
		{"close without code", []byte{0x88, 0}, results.CauseClosed, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var answers []ws.Frame
			n := &wiretest.Net{
				Handshake: func(p *wiretest.Peer, r *http.Request) { wiretest.Accept(p, r); p.Write(tc.wire) },
			}
			// The client ends the connection behind its close frame, so that the
			// peer never reads it: look at what is sent.
			s := &script{dial: 1}
			perform(t, n, s, func(c *lane.Config) { c.Transport = &tap{Net: n, seen: &answers} })
			if !slices.Equal(s.causes, []results.Cause{tc.want}) || s.shard.Dials.Lost != 1 || s.shard.Dials.Causes[tc.want] != 1 {
				t.Errorf("ended with %q, lost %d; want %q", s.causes, s.shard.Dials.Lost, tc.want)
			}
			if len(answers) != 1 || answers[0].Header.OpCode != ws.OpClose {
				t.Fatalf("answered with %+v", answers)
			}
			if code, _ := ws.ParseCloseFrameData(answers[0].Payload); code != tc.code && !(tc.code == 0 && code.Empty()) {
				t.Errorf("close code %d, want %d", code, tc.code)
			}
		})
	}
}

// joined is fragments that are too long together.
func joined() []byte {
	out := wiretestFrame(ws.OpText, false, string(make([]byte, 600_000)))
	return append(out, wiretestFrame(ws.OpContinuation, false, string(make([]byte, 600_000)))...)
}

// tap notes the frames that are sent.
type tap struct {
	*wiretest.Net
	seen *[]ws.Frame
}

func (t *tap) Send(c wire.Conn, p []byte) results.Cause {
	if f, err := wiretest.ReadFrame(bytes.NewReader(p)); err == nil && f.Header.Masked {
		*t.seen = append(*t.seen, ws.UnmaskFrame(f))
	}
	return t.Net.Send(c, p)
}

// Masks must not repeat (RFC 6455 section 5.3).
func TestMasksDiffer(t *testing.T) {
	keys := make(map[[4]byte]bool)
	n := &wiretest.Net{Frame: func(_ *wiretest.Peer, f ws.Frame) {}}
	s := &script{dial: 50}
	s.opened = func(c wire.Conn) { s.l.Send(c, frame.Text, nil, []byte("hello")) }
	perform(t, n, s, func(c *lane.Config) { c.Transport = &maskTap{n, keys} })
	if len(keys) != 50 {
		t.Errorf("%d different masks in 50 frames", len(keys))
	}
}

type maskTap struct {
	*wiretest.Net
	keys map[[4]byte]bool
}

func (m *maskTap) Send(c wire.Conn, p []byte) results.Cause {
	if f, err := wiretest.ReadFrame(bytes.NewReader(p)); err == nil {
		m.keys[f.Header.Mask] = true
	}
	return m.Net.Send(c, p)
}

// What is sent in answer to several messages of one read leaves in one piece,
// and what goes to a neighbour meanwhile is not held up or mixed in.
func TestAnswersLeaveTogether(t *testing.T) {
	sends := make(map[wire.Conn]int)
	got := make(map[wire.Conn][]string)
	two := append(wiretestFrame(ws.OpText, true, "a"), wiretestFrame(ws.OpText, true, "b")...)
	n := &wiretest.Net{Frame: func(p *wiretest.Peer, f ws.Frame) { got[p.Conn] = append(got[p.Conn], string(f.Payload)) }}
	s := &script{dial: 2}
	s.opened = func(c wire.Conn) {
		if c == 1 {
			n.After(0, func(h wire.Events) { h.Data(0, two) })
		}
	}
	s.received = func(c wire.Conn, op frame.Opcode, p []byte) {
		s.l.Send(0, op, []byte("to 0: "), p)
		s.l.Send(1, op, []byte("to 1: "), p)
	}
	perform(t, n, s, func(c *lane.Config) { c.Transport = &countTap{n, sends} })
	if sends[0] != 1 || sends[1] != 2 {
		t.Errorf("sends %v, want one to 0 and two to 1", sends)
	}
	if !slices.Equal(got[0], []string{"to 0: a", "to 0: b"}) || !slices.Equal(got[1], []string{"to 1: a", "to 1: b"}) {
		t.Errorf("got %v", got)
	}
}

type countTap struct {
	*wiretest.Net
	sends map[wire.Conn]int
}

func (m *countTap) Send(c wire.Conn, p []byte) results.Cause {
	if len(p) > 0 && p[0] != 'G' {
		m.sends[c]++
	}
	return m.Net.Send(c, p)
}

// A closing handshake ends without a loss, whether the server answers or not,
// and the connection can be dialled again.
func TestShut(t *testing.T) {
	for name, answer := range map[string]func(*wiretest.Peer, ws.Frame){"answered": wiretest.Echo, "ignored": func(*wiretest.Peer, ws.Frame) {}} {
		t.Run(name, func(t *testing.T) {
			again := 0
			n := &wiretest.Net{Latency: time.Millisecond, Frame: answer}
			s := &script{dial: 3}
			s.opened = func(c wire.Conn) {
				if !s.l.Shut(c) {
					t.Errorf("no room to close %d", c)
				}
				if s.l.IsOpen(c) {
					t.Errorf("%d is still open", c)
				}
			}
			s.ended = func(c wire.Conn, why results.Cause) {
				if again++; again <= 3 {
					s.l.Dial(c, n.Now(), s.shard)
				}
			}
			perform(t, n, s, nil)
			if s.opens != 6 || len(s.causes) != 6 || s.causes[0] != "" || s.shard.Dials.Lost != 0 {
				t.Errorf("opened %d, ended with %q, lost %d", s.opens, s.causes, s.shard.Dials.Lost)
			}
			if s.l.Open() != 0 || s.l.Closing() != 0 {
				t.Errorf("%d open, %d closing", s.l.Open(), s.l.Closing())
			}
		})
	}
}

func TestBacklogIsNoLoss(t *testing.T) {
	n := &wiretest.Net{}
	s := &script{dial: 1}
	s.opened = func(c wire.Conn) {
		n.Choked = func(wire.Conn) bool { return true }
		if why := s.l.Send(c, frame.Text, nil, []byte("x")); why != results.CauseBacklog {
			t.Errorf("sent into a full backlog: %q", why)
		}
		n.Choked = nil
		if why := s.l.Send(c, frame.Text, nil, []byte("y")); why != "" {
			t.Errorf("then: %q", why)
		}
	}
	perform(t, n, s, nil)
	if !slices.Equal(s.messages, []string{"y"}) || s.l.Open() != 1 {
		t.Errorf("messages %q, %d open", s.messages, s.l.Open())
	}
}

func TestAbandon(t *testing.T) {
	n := &wiretest.Net{Latency: time.Hour}
	s := &script{dial: 4}
	var l *lane.Lane
	n.After(time.Millisecond, func(wire.Events) { l = s.l; l.Abandon(results.CauseStopped) })
	perform(t, n, s, func(c *lane.Config) { c.DialTimeout = 2 * time.Hour })
	if len(s.failed) != 4 || s.failed[0] != results.CauseStopped || s.l.Dialing() != 0 {
		t.Errorf("failed with %q, %d in progress", s.failed, s.l.Dialing())
	}
}

// Do and Call are refused after the end, and nothing that was taken is lost.
func TestMailbox(t *testing.T) {
	s := &script{}
	ran := false
	n := &wiretest.Net{}
	perform(t, n, s, nil)
	if s.l.Do(func() { ran = true }) || s.l.Call(func() { ran = true }) || ran {
		t.Error("a lane that has ended took a function")
	}
	<-s.l.Done()
}
