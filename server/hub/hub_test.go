package hub_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"signalbench/server/engine"
	"signalbench/server/hub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A pass is an admission.
type pass struct {
	user  string
	topic string // that it may join; empty means any
	left  int    // messages that it may send; negative means any number
}

func (p *pass) User() string              { return p.user }
func (p *pass) MayJoin(topic string) bool { return p.topic == "" || p.topic == topic }
func (p *pass) Allow() bool               { p.left--; return p.left != -1 }

var idPattern = regexp.MustCompile(`"id":"([^"]*)"`)

// A script is what connections send, and what all of them get for it, as lines:
// "a < message" has connection a send it, "a > message" says that a gets it next.
// $a in them is the id that a got with its last join. Connections open with the
// first line that names them; those with a digit behind the letter speak version
// 1. What is not listed must not come.
func run(t *testing.T, h *hub.Hub, script string, values map[string]any) map[string]*fake {
	t.Helper()
	conns := map[string]*fake{}
	waiting := map[string][]string{}
	ids := map[string]string{}
	conn := func(name string) *fake {
		if conns[name] == nil {
			query := "vsn=2.0.0"
			if len(name) > 1 {
				query = ""
			}
			conns[name] = open(h, query, values[name], nil)
		}
		return conns[name]
	}
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		way, text, _ := strings.Cut(rest, " ")
		c := conn(name)
		for n, f := range conns {
			for _, got := range f.taken() {
				if m := idPattern.FindStringSubmatch(got); m != nil && strings.Contains(got, "phx_reply") {
					ids[n] = m[1]
				}
				waiting[n] = append(waiting[n], got)
			}
		}
		for n, id := range ids {
			text = strings.ReplaceAll(text, "$"+n, id)
		}
		switch way {
		case "<":
			c.send(text)
		case "<<":
			p := strings.NewReplacer(`\0`, "\x00", `\1`, "\x01", `\2`, "\x02", `\5`, "\x05", `\6`, "\x06").Replace(text)
			c.sendBinary(p)
		case "x":
			h.Closed(c, nil)
		case ">":
			if len(waiting[name]) == 0 {
				t.Fatalf("%s: nothing came", line)
			}
			if got := waiting[name][0]; got != text {
				t.Fatalf("%s: came\n%s, want\n%s", name, got, text)
			}
			waiting[name] = waiting[name][1:]
		default:
			t.Fatalf("line %q", line)
		}
	}
	for n, f := range conns {
		if rest := append(waiting[n], f.taken()...); len(rest) > 0 {
			t.Errorf("%s got as well %q", n, rest)
		}
	}
	return conns
}

func TestSignaling(t *testing.T) {
	for _, c := range []struct {
		name, script string
		edit         func(*hub.Config)
		values       map[string]any
	}{
		{name: "heartbeat", script: `
			a < [null,"1","phoenix","heartbeat",{}]
			a > [null,"1","phoenix","phx_reply",{"status":"ok","response":{}}]
			b1 < {"topic":"phoenix","event":"heartbeat","payload":{},"ref":"7"}
			b1 > {"topic":"phoenix","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"7"}
		`},
		{name: "join, presence, leave", script: `
			a < ["1","1","room:x","phx_join",{"user":"ann","meta":{"k":[1]}}]
			a > ["1","1","room:x","phx_reply",{"status":"ok","response":{"id":"$a","peers":1}}]
			a > [null,null,"room:x","presence_state",{"$a":{"metas":[{"phx_ref":"$a","user":"ann","meta":{"k":[1]}}]}}]
			b < ["3","4","room:x","phx_join",{}]
			b > ["3","4","room:x","phx_reply",{"status":"ok","response":{"id":"$b","peers":2}}]
			b > [null,null,"room:x","presence_state",{"$a":{"metas":[{"phx_ref":"$a","user":"ann","meta":{"k":[1]}}]},"$b":{"metas":[{"phx_ref":"$b"}]}}]
			a > [null,null,"room:x","presence_diff",{"joins":{"$b":{"metas":[{"phx_ref":"$b"}]}},"leaves":{}}]
			a < ["1","2","room:x","phx_leave",{}]
			a > ["1","2","room:x","phx_reply",{"status":"ok","response":{}}]
			a > ["1","1","room:x","phx_close",{}]
			a < ["1","3","room:x","phx_leave",{}]
			a > ["1","3","room:x","phx_reply",{"status":"ok","response":{}}]
		`, edit: func(c *hub.Config) { c.PresencePeriod = 1e12 }},
		{name: "relay", script: `
			a < ["1","1","room:x","phx_join",{"presence":false}]
			a > ["1","1","room:x","phx_reply",{"status":"ok","response":{"id":"$a","peers":1}}]
			b1 < {"topic":"room:x","event":"phx_join","payload":{"presence":false,"ack":false},"ref":"1"}
			b1 > {"topic":"room:x","event":"phx_reply","payload":{"status":"ok","response":{"id":"$b1","peers":2}},"ref":"1"}
			a < ["1","2","room:x","offer",{"to":"$b1","sdp":"v=0","from":"nobody"}]
			b1 > {"topic":"room:x","event":"offer","payload":{"to":"$b1","sdp":"v=0","from":"$a"},"ref":null}
			a > ["1","2","room:x","phx_reply",{"status":"ok","response":{}}]
			b1 < {"topic":"room:x","event":"answer","payload":{"to":"$a"},"ref":"2"}
			a > [null,null,"room:x","answer",{"from":"$b1","to":"$a"}]
			a < ["1",null,"room:x","candidate",{"to":"$b1"}]
			b1 > {"topic":"room:x","event":"candidate","payload":{"from":"$a","to":"$b1"},"ref":null}
			a < ["1","3","room:x","offer",{"to":"no\"body"}]
			a > ["1","3","room:x","phx_reply",{"status":"error","response":{"reason":"unknown peer","to":"no\"body"}}]
			a < ["1","4","room:x","offer",{}]
			a > ["1","4","room:x","phx_reply",{"status":"error","response":{"reason":"to is missing"}}]
			a < ["1","5","room:x","offer",[1]]
			a > ["1","5","room:x","phx_reply",{"status":"error","response":{"reason":"to is missing"}}]
			b1 x
			a < ["1","6","room:x","offer",{"to":"$b1"}]
			a > ["1","6","room:x","phx_reply",{"status":"error","response":{"reason":"unknown peer","to":"$b1"}}]
			c < ["1","1","room:x","phx_join",{"presence":false}]
			c > ["1","1","room:x","phx_reply",{"status":"ok","response":{"id":"$c","peers":2}}]
			a < ["1","7","room:x","offer",{"to":"$b1"}]
			a > ["1","7","room:x","phx_reply",{"status":"error","response":{"reason":"unknown peer","to":"$b1"}}]
		`},
		{name: "broadcast", script: `
			a < ["1","1","room:x","phx_join",{"presence":false}]
			a > ["1","1","room:x","phx_reply",{"status":"ok","response":{"id":"$a","peers":1}}]
			b < ["1","1","room:x","phx_join",{"presence":false,"everyone":true,"ack":false}]
			b > ["1","1","room:x","phx_reply",{"status":"ok","response":{"id":"$b","peers":2}}]
			c1 < {"topic":"room:x","event":"phx_join","payload":{"presence":false},"ref":"1"}
			c1 > {"topic":"room:x","event":"phx_reply","payload":{"status":"ok","response":{"id":"$c1","peers":3}},"ref":"1"}
			a < ["1","2","room:x","chat",{"to":7}]
			a > ["1","2","room:x","phx_reply",{"status":"ok","response":{}}]
			b > [null,null,"room:x","chat",{"from":"$a","to":7}]
			c1 > {"topic":"room:x","event":"chat","payload":{"from":"$a","to":7},"ref":null}
			b < ["1","2","room:x","chat",[1, 2]]
			a > [null,null,"room:x","chat",[1, 2]]
			b > [null,null,"room:x","chat",[1, 2]]
			c1 > {"topic":"room:x","event":"chat","payload":[1, 2],"ref":null}
			a << \0\1\1\6\511room:xevent` + "\xff" + `
			a > ["1","1","room:x","phx_reply",{"status":"ok","response":{}}]
			b > binary "\x02\x06\x05room:xevent\xff"
			a < ["1","3","room:x","presence_diff",{}]
			a > ["1","3","room:x","phx_reply",{"status":"error","response":{"reason":"event is reserved"}}]
			a < ["1","4","room:x","phx_close",{}]
			a > ["1","4","room:x","phx_reply",{"status":"error","response":{"reason":"event is reserved"}}]
			a << \2\6\5room:xevent
			a > [null,null,"room:x","phx_reply",{"status":"error","response":{"reason":"binary message is not a push"}}]
		`},
		{name: "joined twice", script: `
			a < ["1","1","room:x","phx_join",{"presence":false}]
			a > ["1","1","room:x","phx_reply",{"status":"ok","response":{"id":"$a","peers":1}}]
			a < ["2","2","room:x","phx_join",{"presence":false}]
			a > ["1","1","room:x","phx_close",{}]
			a > ["2","2","room:x","phx_reply",{"status":"ok","response":{"id":"$a","peers":1}}]
			a < ["1","3","room:x","chat",{}]
			a < ["1","4","room:x","phx_leave",{}]
			a < ["2","5","room:x","phx_leave",{}]
			a > ["2","5","room:x","phx_reply",{"status":"ok","response":{}}]
			a > ["2","2","room:x","phx_close",{}]
		`},
		{name: "leave without join_ref", script: `
			a1 < {"topic":"room:x","event":"phx_join","payload":{"presence":false},"ref":"1"}
			a1 > {"topic":"room:x","event":"phx_reply","payload":{"status":"ok","response":{"id":"$a1","peers":1}},"ref":"1"}
			a1 < {"topic":"room:x","event":"phx_leave","payload":{},"ref":"2"}
			a1 < {"topic":"room:x","event":"phx_join","payload":{"presence":false},"ref":"3"}
			a1 > {"topic":"room:x","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"2"}
			a1 > {"topic":"room:x","event":"phx_reply","payload":{"status":"ok","response":{"id":"$a1","peers":1}},"ref":"3"}
		`},
		{name: "numbers as refs", script: `
			a < [1,1,"room:x","phx_join",{"presence":false}]
			a > [1,1,"room:x","phx_reply",{"status":"ok","response":{"id":"$a","peers":1}}]
			a < [1,2,"room:x","phx_leave",{}]
			a > [1,2,"room:x","phx_reply",{"status":"ok","response":{}}]
			a > [1,1,"room:x","phx_close",{}]
		`},
		{name: "topics that are none", script: `
			a < ["1","1","room:","phx_join",{}]
			a > [null,"1","room:","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]
			a < ["1","2","lobby","phx_join",{}]
			a > [null,"2","lobby","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]
			a < ["1","3","room:x","chat",{}]
			a > [null,"3","room:x","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]
			a < ["1","4","phoenix","chat",{}]
			a > [null,"4","phoenix","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]
		`},
		{name: "topics that begin as asked", edit: func(c *hub.Config) { c.TopicPrefix = "rooms:" }, script: `
			a1 < {"topic":"rooms:lobby","event":"phx_join","payload":{"user":"1","presence":false},"ref":"1"}
			a1 > {"topic":"rooms:lobby","event":"phx_reply","payload":{"status":"ok","response":{"id":"$a1","peers":1}},"ref":"1"}
			a1 < {"topic":"room:lobby","event":"phx_join","payload":{},"ref":"2"}
			a1 > {"topic":"room:lobby","event":"phx_reply","payload":{"status":"error","response":{"reason":"unmatched topic"}},"ref":"2"}
		`},
		{name: "joins that are refused", script: `
			a < ["1","1","room:x","phx_join",{"user":7}]
			a > ["1","1","room:x","phx_reply",{"status":"error","response":{"reason":"bad payload: user is not a string"}}]
			a < ["1","2","room:x","phx_join",{"presence":1}]
			a > ["1","2","room:x","phx_reply",{"status":"error","response":{"reason":"bad payload: presence is neither true nor false"}}]
			a < ["1","3","room:x","phx_join",{"meta":"0123456789"}]
			a > ["1","3","room:x","phx_reply",{"status":"error","response":{"reason":"user and meta are too large: at most 10 B"}}]
			a < ["1","4","room:x","phx_join",{"presence":false}]
			a > ["1","4","room:x","phx_reply",{"status":"ok","response":{"id":"$a","peers":1}}]
			b < ["1","4","room:x","phx_join",{"presence":false}]
			b > ["1","4","room:x","phx_reply",{"status":"error","response":{"reason":"room is full: at most 1 peers"}}]
			a < ["1","5","room:y","phx_join",{}]
			a > ["1","5","room:y","phx_reply",{"status":"error","response":{"reason":"too many rooms: at most 1"}}]
			a < ["1","6","room:x","phx_leave",{}]
			a > ["1","6","room:x","phx_reply",{"status":"ok","response":{}}]
			a > ["1","1","room:x","phx_close",{}]
			b < ["1","7","room:x","phx_join",{"presence":false}]
			b > ["1","7","room:x","phx_reply",{"status":"ok","response":{"id":"$b","peers":1}}]
		`, edit: func(c *hub.Config) { c.MaxMeta, c.PeersPerRoom, c.RoomsPerConn = 10, 1, 1 }},
		{name: "admission", script: `
			a < ["1","1","room:y","phx_join",{}]
			a > ["1","1","room:y","phx_reply",{"status":"error","response":{"reason":"unauthorized"}}]
			a < ["1","2","room:x","phx_join",{"user":"eve"}]
			a > ["1","2","room:x","phx_reply",{"status":"ok","response":{"id":"$a","peers":1}}]
			a > [null,null,"room:x","presence_state",{"$a":{"metas":[{"phx_ref":"$a","user":"a\"b"}]}}]
			a < ["1","3","room:x","chat",{}]
			a > ["1","3","room:x","phx_reply",{"status":"error","response":{"reason":"rate limit"}}]
		`, values: map[string]any{"a": &pass{`a"b`, "room:x", 2}}},
		{name: "presence is limited", script: `
			a < ["1","1","room:x","phx_join",{}]
			a > ["1","1","room:x","phx_reply",{"status":"ok","response":{"id":"$a","peers":1}}]
			a > [null,null,"room:x","presence_state",{"$a":{"metas":[{"phx_ref":"$a"}]}}]
			b < ["1","1","room:x","phx_join",{}]
			b > ["1","1","room:x","phx_reply",{"status":"ok","response":{"id":"$b","peers":2,"presence":false}}]
			b x
			a x
			b < ["1","1","room:x","phx_join",{}]
			b > ["1","1","room:x","phx_reply",{"status":"ok","response":{"id":"$b","peers":1}}]
			b > [null,null,"room:x","presence_state",{"$b":{"metas":[{"phx_ref":"$b"}]}}]
		`, edit: func(c *hub.Config) { c.PresenceLimit = 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, c.edit)
			for _, f := range run(t, h, c.script, c.values) {
				h.Closed(f, nil)
			}
			if st := h.Stats(); st.Rooms != 0 || st.Members != 0 {
				t.Errorf("%d rooms with %d members are left", st.Rooms, st.Members)
			}
		})
	}
}

// A message that cannot be decoded ends the connection and says why.
func TestMalformed(t *testing.T) {
	h := newHub(t, nil)
	for _, text := range []string{
		"", "{}", `["1","1","room:x"]`, `["1","1","room:x","phx_join",{}`, strings.Repeat("[", 100_000),
		`["1","1","room:` + strings.Repeat("x", 1<<20) + `","phx_join",{}]`,
		`["1","1","room:x","phx_join",` + strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100) + "]",
	} {
		f := open(h, "vsn=2.0.0", nil, nil)
		f.send(text)
		if f.closed == nil || f.closed.Code != engine.CloseInvalidPayload || !strings.HasPrefix(f.closed.Reason, "byte ") {
			t.Errorf("%.60s: closed with %v", text, f.closed)
		}
	}
	if st := h.Stats(); st.Rooms != 0 {
		t.Errorf("%d rooms are left", st.Rooms)
	}
}

// What is sent to a room of any size, with homes and without, comes to every
// member once and in order.
func TestBroadcastReachesAll(t *testing.T) {
	for _, size := range []int{1, 2, 64, 65, 129, 1000} {
		for _, homes := range []int{0, 1, 7} {
			t.Run(fmt.Sprintf("%d peers, %d homes", size, homes), func(t *testing.T) {
				t.Parallel()
				const messages = 50
				h := newHub(t, func(c *hub.Config) { c.QueueLen = messages + 1 })
				var loops []engine.Home
				for range homes {
					loops = append(loops, newLoop(t))
				}
				var all []*fake
				for i := range size {
					var home engine.Home
					if homes > 0 {
						home = loops[i%homes]
					}
					f := open(h, "vsn=2.0.0", nil, home)
					f.send(`["1","1","room:x","phx_join",{"presence":false}]`)
					f.await(t, 1)
					all = append(all, f)
				}
				var want []string
				for i := range messages {
					n, err := h.Broadcast("room:x", "tick", fmt.Appendf(nil, "%d", i))
					if n != size || err != nil {
						t.Fatalf("broadcast to %d, %v, want %d", n, err, size)
					}
					want = append(want, fmt.Sprintf(`[null,null,"room:x","tick",%d]`, i))
				}
				for i, f := range all {
					if got := f.await(t, messages); !slices.Equal(got, want) {
						t.Fatalf("member %d got %q", i, got)
					}
				}
				if st := h.Stats(); st.Deliveries != uint64(size*messages) || st.Broadcasts != messages {
					t.Errorf("counted %+v", st)
				}
				for _, f := range all {
					h.Closed(f, nil)
				}
				if st := h.Stats(); st.Rooms != 0 || st.Members != 0 {
					t.Errorf("%d rooms with %d members are left", st.Rooms, st.Members)
				}
			})
		}
	}
}
