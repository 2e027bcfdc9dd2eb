package channel

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/lane"
	"signalbench/loadgen/internal/stamp"
	"signalbench/loadgen/internal/target"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/server/phoenix"
)

func TestAddress(t *testing.T) {
	for _, tc := range []struct {
		raw     string
		asked   phoenix.Version
		want    string
		version phoenix.Version
	}{
		{"ws://h:1", 0, "ws://h:1/socket/websocket?vsn=2.0.0", phoenix.V2},
		{"ws://h:1/", phoenix.V1, "ws://h:1/socket/websocket?vsn=1.0.0", phoenix.V1},
		{"wss://h/live/websocket?token=a%2Bb", phoenix.V2, "wss://h/live/websocket?token=a%2Bb&vsn=2.0.0", phoenix.V2},
		{"ws://h/socket/websocket?vsn=1.0.0", 0, "ws://h/socket/websocket?vsn=1.0.0", phoenix.V1},
		{"ws://h/?vsn=2.1.0&x=1", phoenix.V2, "ws://h/socket/websocket?vsn=2.1.0&x=1", phoenix.V2},
		{"::", 0, "::", 0},
	} {
		got, version, err := Address(tc.raw, tc.asked)
		if got != tc.want || version != tc.version || err != nil {
			t.Errorf("%q, %v: %q, %v, %v", tc.raw, tc.asked, got, version, err)
		}
	}
	for raw, asked := range map[string]phoenix.Version{"ws://h/?vsn=1.0.0": phoenix.V2, "ws://h/?vsn=3.0.0": 0} {
		if got, _, err := Address(raw, asked); err == nil {
			t.Errorf("%q was taken for %v: %q", raw, asked, got)
		}
	}
}

func TestTopics(t *testing.T) {
	for _, tc := range []struct {
		p    Protocol
		n    uint32
		want string
	}{
		{Protocol{Topic: "room:bench", Rooms: 1}, 7, "room:bench"},
		{Protocol{Topic: "room:{n}", Rooms: 5}, 7, "room:2"},
		{Protocol{Topic: "a{n}b{n}", Rooms: 100}, 7, "a7b7"},
		{Protocol{Topic: "room:s{n}", Rooms: 1, Swarm: 3}, 7, "room:s2"},
	} {
		if got := string(tc.p.AppendTopic(nil, tc.n)); got != tc.want {
			t.Errorf("%+v: %q", tc.p, got)
		}
	}
}

func TestCheck(t *testing.T) {
	good := Protocol{Version: phoenix.V2, Topic: "room:{n}", Rooms: 2, Join: []byte("{}"), Event: "echo", Push: []byte("{}")}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for says, spoil := range map[string]func(*Protocol){
		"--topic is empty":            func(p *Protocol) { p.Topic = "" },
		"--topic is longer":           func(p *Protocol) { p.Topic = strings.Repeat("{n}", 26) },
		"--rooms: there must":         func(p *Protocol) { p.Rooms = 0 },
		"--rooms 2 needs {n}":         func(p *Protocol) { p.Topic = "room:a" },
		"number of the swarm":         func(p *Protocol) { p.Topic, p.Rooms, p.Swarm = "room:a", 1, 2 },
		"--event is not from 1":       func(p *Protocol) { p.Event = "" },
		"event of the protocol":       func(p *Protocol) { p.Event = "phx_join" },
		`--join-payload "{" is not`:   func(p *Protocol) { p.Join = []byte("{") },
		`--push-payload "x" is not`:   func(p *Protocol) { p.Push = []byte("x") },
		"--binary needs --vsn 2.0.0:": func(p *Protocol) { p.Version, p.Binary = phoenix.V1, true },
	} {
		p := good
		spoil(&p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestFiller(t *testing.T) {
	for _, size := range []int{10, 11, 128, 5000} {
		p, err := Filler(size, false)
		if err != nil || len(p) != size || !json.Valid(p) {
			t.Errorf("%d B: %q, %v", size, p, err)
		}
	}
	if p, err := Filler(3, true); err != nil || len(p) != 3 {
		t.Errorf("%q, %v", p, err)
	}
	if p, err := Filler(9, false); err == nil {
		t.Errorf("9 B: %q", p)
	}
}

func client(t *testing.T, v phoenix.Version) *Client {
	t.Helper()
	tg, err := target.Resolve(context.Background(), []string{"ws://127.0.0.1:1/"}, "")
	if err != nil {
		t.Fatal(err)
	}
	stamps, err := stamp.New(stamp.HeaderSize, 1)
	if err != nil {
		t.Fatal(err)
	}
	n := new(wiretest.Net)
	l := lane.New(lane.Config{Stride: 2, Conns: 10, Now: n.Now, Transport: n, Target: tg, Spread: tg.Spread(10, 28000), Pending: 1, DialTimeout: time.Second, CloseTimeout: time.Second, MaxMessage: 1 << 20, Notify: func() {}})
	return NewClient(&Protocol{Version: v, Topic: "room:{n}", Rooms: 3, Join: []byte(`{"user":"u"}`), Event: "echo", Push: []byte(`{"x":1}`)}, l, stamps)
}

// What is written is what the protocol says, whatever the stamp's digits are.
func TestMessages(t *testing.T) {
	for v, want := range map[phoenix.Version][3]string{
		phoenix.V2: {`["1","R","room:1","phx_join",{"user":"u"}]`, `["1","R","room:1","echo",{"x":1}]`, `["1","R","room:1","phx_leave",{}]`},
		phoenix.V1: {
			`{"topic":"room:1","event":"phx_join","payload":{"user":"u"},"ref":"R","join_ref":"1"}`,
			`{"topic":"room:1","event":"echo","payload":{"x":1},"ref":"R","join_ref":"1"}`,
			`{"topic":"room:1","event":"phx_leave","payload":{},"ref":"R","join_ref":"1"}`,
		},
	} {
		c := client(t, v)
		p := c.Protocol()
		for i, write := range []func(ref []byte) (frame.Opcode, []byte){
			func(ref []byte) (frame.Opcode, []byte) { return c.Join(4, ref, p.Join) },
			func(ref []byte) (frame.Opcode, []byte) { return c.Push(4, ref, p.Event, p.Push) },
			func(ref []byte) (frame.Opcode, []byte) { return c.Leave(4, ref) },
		} {
			if op, got := write([]byte("R")); op != frame.Text || string(got) != want[i] {
				t.Errorf("%v: %s, want %s", v, got, want[i])
			}
			for seq := range uint32(200) { // some have a backslash among their digits
				s := stamp.Stamp{Conn: 4, Seq: seq, Due: time.Duration(seq) * 12345, Sent: time.Duration(seq) * 678910}
				_, got := write(c.Ref(s))
				var m phoenix.Message
				if err := m.Decode(v, false, got); err != nil {
					t.Fatalf("%s: %v", got, err)
				}
				if back, verdict := c.Stamp(m.Ref, 4); verdict != stamp.Intact || back != s {
					t.Fatalf("%+v came back as %+v of %q", s, back, m.Ref)
				}
			}
		}
	}
}

func TestBinaryPush(t *testing.T) {
	c := client(t, phoenix.V2)
	op, got := c.PushBinary(4, []byte("ref"), "echo", []byte{1, 2, 0})
	if want := "\x00\x01\x03\x06\x041refroom:1echo\x01\x02\x00"; op != frame.Binary || string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRecognise(t *testing.T) {
	for _, tc := range []struct {
		v    phoenix.Version
		p    string
		want Kind
	}{
		{phoenix.V2, `["1","9","room:1","phx_reply",{"status":"ok","response":{}}]`, Reply},
		{phoenix.V2, `[null,"9","phoenix","phx_reply",{"status":"ok","response":{}}]`, Reply},
		{phoenix.V2, `[null,null,"room:1","presence_diff",{}]`, Presence},
		{phoenix.V2, `["1",null,"room:1","presence_state",{}]`, Presence},
		{phoenix.V2, `[null,null,"room:1","offer",{}]`, Event},
		{phoenix.V2, `["3","3","room:1","phx_close",{}]`, Over},
		{phoenix.V2, `["3","3","room:1","phx_error",{}]`, Over},
		{phoenix.V2, `["2","2","room:1","phx_close",{}]`, Event}, // of an earlier membership
		{phoenix.V2, `["3","3","room:2","phx_close",{}]`, Event}, // of another topic
		{phoenix.V2, `{"topic":"room:1","event":"offer","payload":{},"ref":null}`, Malformed},
		{phoenix.V2, `["3","3","room:1"`, Malformed},
		{phoenix.V1, `{"topic":"room:1","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"9"}`, Reply},
		{phoenix.V1, `{"topic":"room:1","event":"phx_close","payload":{},"ref":null}`, Over},
		{phoenix.V1, `{"topic":"room:1","event":"x","payload":{},"ref":null}`, Event},
	} {
		c := client(t, tc.v)
		c.Rejoin(2)
		c.Rejoin(2) // the run's connection 4
		if got, _ := c.Recognise(4, frame.Text, []byte(tc.p)); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.p, got, tc.want)
		}
	}
	c := client(t, phoenix.V2)
	if got, m := c.Recognise(4, frame.Binary, []byte("\x02\x06\x04room:1ping\x00\x01")); got != Event || string(m.Payload) != "\x00\x01" {
		t.Errorf("%d %q", got, m.Payload)
	}
}
