package target

import (
	"context"
	"strings"
	"testing"

	"signalbench/loadgen/internal/handshake"
	"signalbench/loadgen/internal/wire"
)

func TestResolve(t *testing.T) {
	tg, err := Resolve(context.Background(), []string{"ws://127.0.0.1:8080/echo?room=1", "ws://127.0.0.2:8081/echo?room=1"}, "http://here")
	if err != nil {
		t.Fatal(err)
	}
	if tg.TLS || !tg.Loopback() || tg.Addrs()[1].String() != "127.0.0.2:8081" {
		t.Errorf("%+v", tg)
	}
	var accept handshake.Accept
	text := string(tg.Request(1).Append(nil, 0, new([handshake.KeySize]byte), &accept))
	for _, want := range []string{"GET /echo?room=1 HTTP/1.1\r\n", "Host: 127.0.0.2:8081\r\n", "Origin: http://here\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	for url, addr := range map[string]string{"ws://127.0.0.1": "127.0.0.1:80", "wss://127.0.0.1/": "127.0.0.1:443", "wss://[::1]:9/": "[::1]:9"} {
		tg, err := Resolve(context.Background(), []string{url}, "")
		if err != nil || tg.Addrs()[0].String() != addr {
			t.Errorf("%s is %v, %v; want %s", url, tg, err, addr)
		}
	}
}

// A URL may hold the connection's number, and names the channel that it subscribes to.
func TestChannels(t *testing.T) {
	for _, tc := range []struct{ url, path, channel, text, wrong string }{
		{"ws://127.0.0.1:8080/channel/{i}", "/channel/17", "17", "ws://127.0.0.1:8080/channel/{i}", ""},
		{"ws://127.0.0.1:8080/channel/a%2Fb/{i}?token={i}", "/channel/a%2Fb/17?token=17", "a%2Fb/17", "ws://127.0.0.1:8080/channel/a%2Fb/{i}?token={i}", ""},
		{"ws://127.0.0.1:8080/{i}", "/17", "17", "ws://127.0.0.1:8080/{i}", ""},
		{"ws://127.0.0.1:8080/channel/news?n={i}", "/channel/news?n=17", "news", "ws://127.0.0.1:8080/channel/news?n={i}", "names one channel for all"},
	} {
		urls, err := Consecutive(tc.url, 2)
		if err != nil {
			t.Fatal(err)
		}
		tg, err := Resolve(context.Background(), urls, "")
		if err != nil {
			t.Fatal(err)
		}
		var accept handshake.Accept
		if text := string(tg.Request(0).Append(nil, 17, new([handshake.KeySize]byte), &accept)); !strings.HasPrefix(text, "GET "+tc.path+" HTTP/1.1\r\n") {
			t.Errorf("%s asks %q", tc.url, text)
		}
		if got := string(tg.AppendChannel([]byte("="), 1, 17)); got != "="+tc.channel {
			t.Errorf("%s is of channel %q", tc.url, got)
		}
		if got, _, _ := strings.Cut(tg.String(), ", "); got != tc.text {
			t.Errorf("%s is written %s", tc.url, got)
		}
		switch err := tg.CheckChannels(); {
		case tc.wrong == "" && err != nil, tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong)):
			t.Errorf("%s: %v", tc.url, err)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	for _, tc := range []struct{ urls, says string }{
		{"", "no URL"},
		{"http://127.0.0.1:1/", "write ws://"},
		{"127.0.0.1:8080", "write ws://"},
		{"echo", "is no WebSocket URL"},
		{"ws:///echo", "names no host"},
		{"ws://127.0.0.1:99999/", "from 1 to 65535"},
		{"ws://127.0.0.1:0/", "from 1 to 65535"},
		{"ws://127.0.0.1:http/", "cannot be read"},
		{"ws://127.0.0.1/#top", "fragment"},
		{"ws://me:secret@127.0.0.1/", "authentication"},
		{"ws://no-such-host.invalid/", "cannot be looked up"},
		{"ws://127.0.0.1:1/ wss://127.0.0.1:2/", "mix ws and wss"},
	} {
		_, err := Resolve(context.Background(), strings.Fields(tc.urls), "")
		if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v; want a sentence with %q", tc.urls, err, tc.says)
		}
	}
}

func TestSpread(t *testing.T) {
	resolve := func(urls ...string) *Target {
		tg, err := Resolve(context.Background(), urls, "")
		if err != nil {
			t.Fatal(err)
		}
		return tg
	}
	for _, tc := range []struct {
		name  string
		t     *Target
		conns int
		pairs int  // different routes
		bound bool // from chosen sources
	}{
		{"few", resolve("ws://127.0.0.1:1"), 11_000, 1, false},
		{"two ports", resolve("ws://127.0.0.1:1", "ws://127.0.0.1:2"), 22_000, 2, false},
		{"sources", resolve("ws://127.0.0.1:1"), 100_000, 9, true},
		{"sources and ports", resolve("ws://127.0.0.1:1", "ws://127.0.0.1:2"), 100_000, 10, true},
		{"a million", resolve("ws://127.0.0.1:1"), 1_000_000, 89, true},
		{"far away", resolve("ws://192.0.2.1:1"), 100_000, 1, false},
		{"IPv6", resolve("ws://[::1]:1"), 100_000, 1, false},
	} {
		s := tc.t.Spread(tc.conns, 28232)
		use := make(map[wire.Route]int)
		for n := range uint32(tc.conns) {
			r, ok := s.Route(n, 0)
			if !ok || r.From.IsValid() != tc.bound || tc.bound && !r.From.IsLoopback() {
				t.Fatalf("%s: connection %d goes %v, %v", tc.name, n, r, ok)
			}
			use[r]++
		}
		if len(use) != tc.pairs {
			t.Errorf("%s: %d routes, want %d", tc.name, len(use), tc.pairs)
		}
		for r, n := range use {
			if tc.bound && n > 28232*2/5 {
				t.Errorf("%s: %d connections share %v", tc.name, n, r)
			}
		}
		again, ok := s.Route(7, 1)
		first, _ := s.Route(7, 0)
		if ok != s.spare || ok && again == first {
			t.Errorf("%s: second try goes %v, %v after %v", tc.name, again, ok, first)
		}
	}
}

func TestLocalPorts(t *testing.T) {
	if n, err := LocalPorts(); err != nil || n < 1 || n > 65535 {
		t.Errorf("%d, %v", n, err)
	}
}
