package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"signalbench/server/admin"
	"signalbench/server/channel"
	"signalbench/server/gate"
	"signalbench/server/hub"
	"signalbench/server/service"
)

// newService returns what runs on the engine, without a gate.
func newService(t testing.TB) *service.Service {
	t.Helper()
	rooms, err := hub.New(hub.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rooms.Close)
	return service.New(service.Config{Rooms: rooms, Channels: channel.New(channel.Config{})})
}

// dial opens a path of a server.
func dial(t *testing.T, address, path string) *websocket.Conn {
	t.Helper()
	c, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+address+path, nil)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	resp.Body.Close()
	t.Cleanup(func() { c.Close() })
	return c
}

// wantNext reads a message that has all the parts.
func wantNext(t *testing.T, c *websocket.Conn, parts ...string) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	_, p, err := c.ReadMessage()
	if err != nil {
		t.Fatalf("want %q: %v", parts, err)
	}
	for _, part := range parts {
		if !strings.Contains(string(p), part) {
			t.Fatalf("read %s, want %q", p, parts)
		}
	}
	return string(p)
}

func send(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// join joins room:lobby and returns the peer's id.
func join(t *testing.T, c *websocket.Conn) (id string) {
	t.Helper()
	send(t, c, `["1","1","room:lobby","phx_join",{"user":"ada"}]`)
	var reply []json.RawMessage
	if err := json.Unmarshal([]byte(wantNext(t, c, `"phx_reply"`, `"status":"ok"`)), &reply); err != nil {
		t.Fatal(err)
	}
	var payload struct {
		Response struct {
			ID string `json:"id"`
		} `json:"response"`
	}
	if err := json.Unmarshal(reply[4], &payload); err != nil {
		t.Fatal(err)
	}
	wantNext(t, c, `"presence_state"`, payload.Response.ID)
	return payload.Response.ID
}

// post publishes at an admin listener and returns the number of receivers.
func post(t *testing.T, address, path, body string) int {
	t.Helper()
	resp, err := http.Post("http://"+address+path, "", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %d %s, %v", path, resp.StatusCode, answer, err)
	}
	var r admin.Receipt
	if err := json.Unmarshal(answer, &r); err != nil {
		t.Fatal(err)
	}
	return r.Receivers
}

// Every engine serves rooms and channels, also with several descriptor tables, and
// behind a gate.
func TestSignaling(t *testing.T) {
	t.Parallel()
	type stand struct {
		name   string
		args   []string
		before []string // a command that runs the server
	}
	var stands []stand
	for _, e := range measured() {
		stands = append(stands, stand{name: e.Name, args: []string{"--engine", e.Name, "--listen", "127.0.0.1:0"}})
	}
	stands = append(stands,
		stand{name: "gated", args: []string{"--engine", "gobwas", "--listen", "127.0.0.1:0", "--addr-conns", "9", "--addr-rate", "99/s", "--addr-messages", "999/s"}})
	for _, listen := range []string{"127.0.0.1:23310", "127.0.0.1:24310", "127.0.0.1:25310"} {
		if portsFree(listen, 3) {
			stands = append(stands, stand{name: "tables", before: []string{"sh", "-c", `ulimit -n 1200 && exec "$0" "$@"`},
				args: []string{"--engine", "netpoll", "--listen", listen, "--shards", "auto", "--conns", "3000"}})
			break
		}
	}
	if len(stands) != len(measured())+2 {
		t.Fatal("no three free ports in a row")
	}
	for _, st := range stands {
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, st.before, append(st.args, "--admin", "127.0.0.1:0", "--quiet", "--channel-ping", "100ms")...)
			if st.before != nil && p.Tables != 3 {
				t.Errorf("%d descriptor tables, want 3", p.Tables)
			}
			first, last := p.Listen[0], p.Listen[len(p.Listen)-1]

			a, b := dial(t, first, "/socket/websocket?vsn=2.0.0"), dial(t, last, "/socket/websocket?vsn=2.0.0")
			from := join(t, a)
			to := join(t, b)
			wantNext(t, a, `"presence_diff"`, to)
			send(t, a, fmt.Sprintf(`["1","2","room:lobby","offer",{"to":%q,"sdp":"v=0"}]`, to))
			wantNext(t, a, `"status":"ok"`)
			wantNext(t, b, `"offer"`, `"sdp":"v=0"`, from)
			if n := post(t, p.Admin, "/broadcast/lobby/news", `{"text":"hi"}`); n != 2 {
				t.Errorf("broadcast to %d", n)
			}
			wantNext(t, a, `"news",{"text":"hi"}`)
			wantNext(t, b, `"news",{"text":"hi"}`)

			one, two := dial(t, first, "/channel/news"), dial(t, last, "/channel/news")
			send(t, one, "nobody listens")
			eventually(t, "two subscribers", func() bool { return p.shardStats(t).Service.Channels.Subscribers == 2 })
			if n := post(t, p.Admin, "/publish/news", "extra"); n != 2 {
				t.Errorf("published to %d", n)
			}
			for _, c := range []*websocket.Conn{one, two} {
				for pings, published := 0, 0; pings < 2 || published < 1; {
					switch text := wantNext(t, c); text {
					case "":
						pings++
					case "extra":
						published++
					default:
						t.Fatalf("a subscriber got %q", text)
					}
				}
			}
			echo := dialEcho(t, first)
			if s := p.shardStats(t); s.Service.Rooms.Members != 2 || s.Service.Rooms.Relayed != 1 || s.Service.Channels.Ignored != 1 ||
				s.Service.Gate.Addresses != map[bool]int{true: 1}[st.name == "gated"] {
				t.Errorf("stats %+v", s.Service)
			}
			for _, c := range []*websocket.Conn{b, one, two, echo} {
				c.Close()
			}
			wantNext(t, a, `"presence_diff"`, `"leaves"`, to)
			if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			wantClose(t, a, websocket.CloseGoingAway)
			p.wantExit(t, 0)
		})
	}
}

// A server that wants a token says what is wrong with that of a client, on every
// engine.
func TestTokens(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(strings.Repeat("s", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	var token strings.Builder
	if err := run(t.Context(), []string{"token", "--secret-file", file, "--user", "ada", "--room", "room:*"}, &token, io.Discard); err != nil {
		t.Fatal(err)
	}
	good := strings.TrimSpace(token.String())
	for _, e := range measured() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, nil, "--engine", e.Name, "--listen", "127.0.0.1:0", "--token-secret-file", file, "--quiet")
			for path, want := range map[string]string{
				"/echo":                             "401 token is missing",
				"/socket/websocket?token=x":         "401 token is no JSON Web Token",
				"/channel/a?token=" + good:          "403 the token does not allow \"channel:a\"",
				"/elsewhere?token=" + good:          "404 nothing here but /echo",
				"/echo?token=" + good[:len(good)-4]: "401 token is not signed",
			} {
				_, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+p.Listen[0]+path, nil)
				if err == nil || resp == nil {
					t.Fatalf("%s: %v", path, err)
				}
				reason, err := io.ReadAll(resp.Body)
				if got := fmt.Sprint(resp.StatusCode, " ", string(reason)); err != nil || !strings.HasPrefix(got, want) {
					t.Errorf("%s: %s, %v, want %s", path, got, err, want)
				}
			}
			dial(t, p.Listen[0], "/socket/websocket?vsn=2.0.0&token="+good)
		})
	}
}

// What is published at the supervisor reaches all shards, whose rooms are apart.
func TestShardsPublish(t *testing.T) {
	t.Parallel()
	p, _ := sharded(t, 1)
	p.wantSaid(t, "each of the 3 shards has rooms and channels of its own")
	var all []*websocket.Conn
	for _, s := range p.Shards {
		c := dial(t, s.Listen[0], "/socket/websocket?vsn=2.0.0")
		join(t, c)
		all = append(all, c)
		dial(t, s.Listen[0], "/channel/a b")
		dial(t, s.Listen[0], "/channel/%2E")
	}
	eventually(t, "two subscribers of each", func() bool { return p.shardStats(t).Service.Channels.Subscribers == 6 })
	if n := post(t, p.Admin, "/broadcast/lobby/news", `[1]`); n != 3 {
		t.Errorf("broadcast to %d", n)
	}
	for _, c := range all {
		wantNext(t, c, `"news",[1]`)
	}
	for _, name := range []string{"a%20b", "%2E"} {
		if n := post(t, p.Admin, "/publish/"+name, "x"); n != 3 {
			t.Errorf("published to %d of %s", n, name)
		}
	}
	if s := p.shardStats(t).Service; s.Rooms.Rooms != 3 || s.Rooms.Members != 3 || s.Channels.Delivered != 6 || s.Rooms.Refused == nil {
		t.Errorf("stats %+v", s)
	}
	resp, err := http.Post("http://"+p.Admin+"/broadcast/lobby/phx_join", "", strings.NewReader("1"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if reason, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(reason), "reserved") {
		t.Errorf("answer %d %s", resp.StatusCode, reason)
	}
}

// Upgrades are let in and refused by the address, also where it comes from the
// kernel.
func TestAddressLimits(t *testing.T) {
	t.Parallel()
	for _, e := range measured() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, nil, "--engine", e.Name, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--addr-conns", "2", "--quiet")
			first := dialEcho(t, p.Listen[0])
			dialEcho(t, p.Listen[0])
			_, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+p.Listen[0]+"/echo", nil)
			if err == nil || resp == nil || resp.StatusCode != http.StatusTooManyRequests {
				t.Fatalf("the third: %v", err)
			}
			first.Close()
			eventually(t, "room for another", func() bool { return p.shardStats(t).Connections.Open == 1 })
			dialEcho(t, p.Listen[0])
			if s := p.shardStats(t); s.Service.Gate != (gate.Stats{Addresses: 1, Conns: 1}) || s.Connections.Refused != 1 {
				t.Errorf("gate %+v, connections %+v", s.Service.Gate, s.Connections)
			}
		})
	}
}
