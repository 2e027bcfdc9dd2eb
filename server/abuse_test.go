package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"signalbench/server/engine"
	"signalbench/server/hub"
)

// abuses are messages that no client of ours sends, each from a connection of its
// own that is in room:abuse.
var abuses = []struct {
	name, message string
	binary        bool
	vsn           string // 2.0.0 if empty
	answer        string // part of the next message; the connection goes on
	close         string // reason of the close with 1007, if there is no answer
}{
	{name: "empty", close: "byte 0: ends where an array should be"},
	{name: "empty binary", binary: true, close: "byte 0: empty binary message"},
	{name: "no array", message: `{}`, close: "byte 0: an array expected"},
	{name: "not JSON", message: `hello`, close: "byte 0: an array expected"},
	{name: "cut", message: `["1","2","room:abuse","x",{"a":"`, close: "byte 32: ends where the end of a string should be"},
	{name: "zeros", message: "\x00\x00\x00", close: "byte 0: an array expected"},
	{name: "zero in a string", message: "[\"1\",\"2\",\"room:\x00\",\"x\",{}]", close: "byte 15: control character in a string"},
	{name: "topic of 100 KB", message: `["1","2","room:` + strings.Repeat("a", 100<<10) + `","x",{}]`, close: "byte 9: topic is too long"},
	{name: "ref of 100 KB", message: `["1",` + strings.Repeat("9", 100<<10) + `,"room:abuse","x",{}]`, close: "byte 5: ref is too long"},
	{name: "ref is an object", message: `["1",{},"room:abuse","x",{}]`, close: "byte 5: a ref expected"},
	{name: "deep", message: `["1","2","room:abuse","x",` + strings.Repeat("[", 50_000), close: "byte 90: nested too deep"},
	{name: "no number", message: `["1","2","room:abuse","x",-]`, close: "byte 27: a digit expected"},
	{name: "two values", message: `["1","2","room:abuse","x",{}][]`, close: "byte 29: more behind the end"},
	{name: "header lies", message: "\x00\xff\xff\xff\xffabc", binary: true, close: "byte 8: binary message ends in its header"},
	{name: "header is cut", message: "\x00\x01", binary: true, close: "byte 2: binary message ends in its header"},
	{name: "header is not UTF-8", message: "\x00\x00\x00\x01\x00\xff", binary: true, close: "byte 5: binary message has a header that is not UTF-8"},
	{name: "unknown kind", message: "\x09", binary: true, close: "byte 0: unknown kind of binary message"},
	{name: "binary in version 1", message: "\x00\x00\x00\x00\x00", binary: true, vsn: "1.0.0", close: "byte 0: binary message in version 1"},
	{name: "array in version 1", message: `[null,"2","phoenix","heartbeat",{}]`, vsn: "1.0.0", close: "byte 0: an object expected"},
	{name: "no event in version 1", message: `{"topic":"room:abuse","payload":{},"ref":"2"}`, vsn: "1.0.0", close: "no event"},

	{name: "a reply as a push", message: "\x01\x00\x01\x0a\x02" + "2room:abuseok{}", binary: true, answer: `"binary message is not a push"`},
	{name: "binary join", message: "\x00\x01\x01\x0a\x08" + "22room:otherphx_join", binary: true, answer: `"bad payload: phx_join is binary"`},
	{name: "binary offer", message: "\x00\x01\x01\x0a\x05" + "12room:abuseoffer{}", binary: true, answer: `"to is missing"`},
	{name: "join without an object", message: `["9","9","room:b","phx_join",7]`, answer: `"bad payload: byte 0: an object expected"`},
	{name: "join with a user that is an array", message: `["9","9","room:b","phx_join",{"user":["x"]}]`, answer: `"bad payload: user is not a string"`},
	{name: "join with presence that is a number", message: `["9","9","room:b","phx_join",{"presence":1e999999}]`, answer: `"bad payload: presence is neither true nor false"`},
	{name: "join with much meta", message: `["9","9","room:b","phx_join",{"meta":"` + strings.Repeat("m", 100<<10) + `"}]`, answer: `"user and meta are too large: at most 1024 B"`},
	{name: "join of no room", message: `["9","9","lobby","phx_join",{}]`, answer: `[null,"9","lobby","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]`},
	{name: "join without a name", message: `["9","9","room:","phx_join",{}]`, answer: `"unmatched topic"`},
	{name: "join of what no object may be called", message: `["9","9","__proto__","phx_join",{}]`, answer: `"unmatched topic"`},
	{name: "join of half a character", message: `["9","9","room:\ud800","phx_join",{"presence":false}]`, answer: `["9","9","room:` + "\ufffd" + `","phx_reply",{"status":"ok"`},
	{name: "join again", message: `["9","9","room:abuse","phx_join",{"presence":false}]`, answer: `["1","1","room:abuse","phx_close",{}]`},
	{name: "push elsewhere", message: `["1","2","room:b","x",{}]`, answer: `[null,"2","room:b","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]`},
	{name: "leave of another", message: `["1","2","room:b","phx_leave",{}]`, answer: `"status":"ok"`},
	{name: "push to the protocol's topic", message: `[null,"2","phoenix","x",{}]`, answer: `"unmatched topic"`},
	{name: "the server's event", message: `["1","2","room:abuse","presence_diff",{"joins":{},"leaves":{}}]`, answer: `"event is reserved"`},
	{name: "the server's event, escaped", message: `["1","2","room:abuse","\u0070hx_close",{}]`, answer: `"event is reserved"`},
	{name: "offer to nobody", message: `["1","2","room:abuse","offer",{}]`, answer: `"to is missing"`},
	{name: "offer to null", message: `["1","2","room:abuse","offer",{"to":null}]`, answer: `"to is missing"`},
	{name: "offer to a number", message: `["1","2","room:abuse","offer",{"to":1e999999}]`, answer: `"bad payload: byte 6: a string as to expected"`},
	{name: "offer to two", message: `["1","2","room:abuse","offer",{"to":"a","\u0074o":"b"}]`, answer: `a second to"`},
	{name: "offer to what is no id", message: `["1","2","room:abuse","offer",{"__proto__":{"to":"b"},"to":"\u0000\"x"}]`, answer: `{"reason":"unknown peer","to":"\u0000\"x"}`},
	{name: "offer from two", message: `["1","2","room:abuse","offer",{"to":"a","from":1,"from":2}]`, answer: `a second from"`},
	{name: "offer in an array", message: `["1","2","room:abuse","offer",["to"]]`, answer: `"to is missing"`},
	{name: "push from two", message: `["1","2","room:abuse","x",{"from":1,"from":2}]`, answer: `a second from"`},
	{name: "push of what is not finite", message: `["1","2","room:abuse","x",{"n":1e999999,"m":-1E-999999}]`, answer: `"status":"ok"`},
	{name: "push of all that may be escaped", message: `["1","2","room:\u0061buse","x",{"\ud800\u0000":"\ud83d\ude00\ud800"}]`, answer: `"status":"ok"`},
	{name: "elements that nobody knows", message: `["1","2","room:abuse","x",{},[[]],null]`, answer: `"status":"ok"`},
	{name: "push of an earlier join", message: `["0","2","room:abuse","x",{}]`, answer: `"heartbeat"`}, // nothing comes but what is asked for next
}

// abuse sends one of them and looks at what comes of it.
func abuse(t *testing.T, address string, i int) {
	t.Helper()
	a := &abuses[i]
	c := dial(t, address, hub.Path+"?vsn="+a.vsn+map[bool]string{true: "2.0.0"}[a.vsn == ""])
	defer c.Close()
	beat := `["1","heartbeat","phoenix","heartbeat",{}]`
	if a.vsn == "" {
		send(t, c, `["1","1","room:abuse","phx_join",{"presence":false}]`)
		wantNext(t, c, `"status":"ok"`)
	}
	op := websocket.TextMessage
	if a.binary {
		op = websocket.BinaryMessage
	}
	if err := c.WriteMessage(op, []byte(a.message)); err != nil {
		t.Fatalf("%s: %v", a.name, err)
	}
	if a.answer != "" {
		send(t, c, beat)
		if got := read(t, c); !strings.Contains(got, a.answer) {
			t.Errorf("%s: answered with %.300s, want %s", a.name, got, a.answer)
		}
		for !strings.Contains(a.answer, "heartbeat") && !strings.Contains(read(t, c), `"heartbeat"`) {
		}
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	_, p, err := c.ReadMessage()
	if e, ok := err.(*websocket.CloseError); !ok || e.Code != websocket.CloseInvalidFramePayloadData || !strings.Contains(e.Text, a.close) {
		t.Errorf("%s: read %.300q, %v, want a close with 1007 and %s", a.name, p, err, a.close)
	}
}

// read returns the next message.
func read(t *testing.T, c *websocket.Conn) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	_, p, err := c.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

// neighbours are two peers of a room of their own that talk to each other until stop
// is closed, and miss nothing. How often they did goes to rounds.
func neighbours(t *testing.T, address string, stop <-chan struct{}, rounds chan<- int) {
	var all [2]*websocket.Conn
	var ids [2]string
	for i := range all {
		all[i] = dial(t, address, hub.Path+"?vsn=2.0.0")
		send(t, all[i], `["1","1","room:neighbours","phx_join",{"presence":false,"ack":false}]`)
		_, rest, _ := strings.Cut(wantNext(t, all[i], `"status":"ok"`), `"id":"`)
		ids[i], _, _ = strings.Cut(rest, `"`)
	}
	go func() {
		n := 0
		defer func() { rounds <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			for i, c := range all {
				other := 1 - i
				texts := []string{
					fmt.Sprintf(`["1",null,"room:neighbours","candidate",{"to":%q,"n":%d}]`, ids[other], n),
					fmt.Sprintf(`["1",null,"room:neighbours","chat",{"n":%d}]`, n),
				}
				wants := []string{
					fmt.Sprintf(`[null,null,"room:neighbours","candidate",{"from":%q,"to":%q,"n":%d}]`, ids[i], ids[other], n),
					fmt.Sprintf(`[null,null,"room:neighbours","chat",{"from":%q,"n":%d}]`, ids[i], n),
				}
				for k, text := range texts {
					err := c.WriteMessage(websocket.TextMessage, []byte(text))
					_ = all[other].SetReadDeadline(time.Now().Add(patience))
					_, p, readErr := all[other].ReadMessage()
					if err != nil || readErr != nil || string(p) != wants[k] {
						t.Errorf("a neighbour got %s, %v, %v, want %s", p, err, readErr, wants[k])
						return
					}
				}
			}
			n++
		}
	}()
}

// neverRead pushes to itself and reads nothing, until it is thrown out.
func neverRead(t *testing.T, address string) {
	t.Helper()
	d := websocket.Dialer{NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			err = c.(*net.TCPConn).SetReadBuffer(4 << 10)
		}
		return c, err
	}}
	c, _, err := d.DialContext(t.Context(), "ws://"+address+hub.Path+"?vsn=2.0.0", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send(t, c, `["1","1","room:deaf","phx_join",{"everyone":true}]`)
	push := []byte(`["1","2","room:deaf","x","` + strings.Repeat("x", 60<<10) + `"]`)
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	for err == nil {
		err = c.WriteMessage(websocket.TextMessage, push)
	}
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Errorf("who never reads was not thrown out: %v", err)
	}
}

// comeAndGo joins and leaves many rooms, and one room many times over, without
// waiting for an answer.
func comeAndGo(t *testing.T, address string) {
	t.Helper()
	const rooms, again = 200, 100
	c := dial(t, address, hub.Path+"?vsn=2.0.0")
	defer c.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for i := range rooms {
			for _, event := range []string{"phx_join", "phx_leave"} {
				if err := c.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `["%d","%d","room:%d",%q,{}]`, i, i, i, event)); err != nil {
					t.Error(err)
				}
			}
		}
		for i := range again {
			if err := c.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `["%d","%d","room:again","phx_join",{}]`, i, i)); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range rooms {
		topic := fmt.Sprintf(`"room:%d"`, i)
		wantNext(t, c, topic, `"status":"ok"`, `"peers":1`)
		wantNext(t, c, topic, `"presence_state"`)
		wantNext(t, c, topic, `"status":"ok"`)
		wantNext(t, c, topic, `"phx_close"`)
	}
	for i := range again {
		if i > 0 {
			wantNext(t, c, fmt.Sprintf(`["%d","%d","room:again","phx_close"`, i-1, i-1))
		}
		wantNext(t, c, fmt.Sprintf(`["%d","%d","room:again","phx_reply"`, i, i), `"peers":1`)
		wantNext(t, c, `"presence_state"`)
	}
}

// storm has many peers join one room at once and vanish together.
func storm(t *testing.T, address string, peers, presence int) {
	t.Helper()
	var wg sync.WaitGroup
	all := make([]*websocket.Conn, peers)
	for i := range all {
		all[i] = dial(t, address, hub.Path+"?vsn=2.0.0")
	}
	for _, c := range all {
		wg.Go(func() {
			if err := c.WriteMessage(websocket.TextMessage, []byte(`["1","1","room:storm","phx_join",{"meta":"`+strings.Repeat("m", 100)+`"}]`)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	without := 0
	for _, c := range all {
		if strings.Contains(wantNext(t, c, `"status":"ok"`), `"presence":false`) {
			without++
		}
	}
	if without != peers-presence {
		t.Errorf("%d of %d peers are not in presence, want %d", without, peers, peers-presence)
	}
	for _, c := range all {
		_ = c.NetConn().(*net.TCPConn).SetLinger(0)
		wg.Go(func() { c.Close() })
	}
	wg.Wait()
}

// Whatever a peer sends, it gets a clear answer or is thrown out, others go on as
// if it was not there, and nothing of it stays.
func TestAbuse(t *testing.T) {
	t.Parallel()
	for _, e := range measured() {
		for _, tables := range []int{0, 3} {
			if tables > 0 && !e.OwnTables {
				continue
			}
			t.Run(fmt.Sprintf("%s, %d tables", e.Name, tables), func(t *testing.T) {
				t.Parallel()
				const peers, presence = 90, 60
				cfg := engine.DefaultConfig()
				cfg.Tables = tables
				limits := hub.DefaultConfig()
				limits.PresenceLimit = presence
				rooms, err := hub.New(limits)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(rooms.Close)
				address := serveEngine(t, e, cfg, rooms).String()
				stop, rounds := make(chan struct{}), make(chan int)
				neighbours(t, address, stop, rounds)
				for i := range abuses {
					abuse(t, address, i)
				}
				neverRead(t, address)
				comeAndGo(t, address)
				storm(t, address, peers, presence)
				eventually(t, "nobody but the neighbours", func() bool {
					s := rooms.Stats()
					return s.Rooms == 1 && s.Members == 2 && cfg.Stats.Open.Load() == 2
				})
				close(stop)
				if n := <-rounds; n == 0 {
					t.Error("the neighbours did nothing")
				}
			})
		}
	}
}

// A server that is told to end while its rooms are flooded ends, and leaves nothing
// running.
func TestEndInAFlood(t *testing.T) {
	for _, e := range measured() {
		for _, tables := range []int{0, 3} {
			if tables > 0 && !e.OwnTables {
				continue
			}
			t.Run(fmt.Sprintf("%s, %d tables", e.Name, tables), func(t *testing.T) {
				defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
				cfg := engine.DefaultConfig()
				cfg.Tables, cfg.DrainTimeout = tables, 50*time.Millisecond
				limits := hub.DefaultConfig()
				limits.PresencePeriod = time.Millisecond
				rooms, err := hub.New(limits)
				if err != nil {
					t.Fatal(err)
				}
				var wg sync.WaitGroup
				defer wg.Wait()
				defer rooms.Close()
				t.Run("flood", func(t *testing.T) {
					address := serveEngine(t, e, cfg, rooms).String()
					var all []*websocket.Conn
					for range 20 {
						all = append(all, dial(t, address, hub.Path+"?vsn=2.0.0"))
					}
					for i, c := range all {
						wg.Go(func() {
							for { // reads ever less than it is sent
								if _, _, err := c.ReadMessage(); err != nil {
									return
								}
							}
						})
						wg.Go(func() {
							for n := 0; ; n++ {
								text := fmt.Sprintf(`["%d",null,"room:flood","x",{"n":%d}]`, i, n)
								if n%10 == 0 {
									text = fmt.Sprintf(`["%d",null,"room:flood","phx_join",{"meta":%d}]`, i, n)
								}
								if c.WriteMessage(websocket.TextMessage, []byte(text)) != nil {
									return
								}
							}
						})
					}
					eventually(t, "a flood", func() bool { return rooms.Stats().Deliveries > 500 })
				})
				if s := cfg.Stats; s.Open.Load() != 0 || rooms.Stats().Members != 0 {
					t.Errorf("%d connections and %d members are left", s.Open.Load(), rooms.Stats().Members)
				}
			})
		}
	}
}
