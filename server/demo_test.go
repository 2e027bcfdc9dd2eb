package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// A server, or all processes of one, lets the pages of its own demo in and no
// others, and tells them where the rooms are.
func TestDemoFindsTheRooms(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t, t.TempDir())
	shards := ""
	for _, listen := range []string{"127.0.0.1:23320", "127.0.0.1:24320", "127.0.0.1:25320"} {
		if portsFree(listen, 2) {
			shards = listen
			break
		}
	}
	if shards == "" {
		t.Fatal("no two free ports in a row")
	}
	for name, tc := range map[string]struct {
		args         []string
		page, socket string // schemes
	}{
		"one":    {[]string{"--engine", "netpoll", "--listen", "127.0.0.1:0"}, "http", "ws"},
		"listed": {[]string{"--engine", "gorilla-lean", "--listen", "127.0.0.1:0", "--origin", "https://elsewhere.test"}, "http", "ws"},
		"TLS":    {[]string{"--engine", "gobwas", "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key}, "https", "wss"},
		"shards": {[]string{"--engine", "gobwas", "--listen", shards, "--shards", "2"}, "http", "ws"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, nil, append(tc.args, "--demo", "127.0.0.1:0", "--quiet")...)
			p.wantSaid(t, "demo on "+p.Demo)
			trusting := &tls.Config{InsecureSkipVerify: true}
			client := http.Client{Transport: &http.Transport{TLSClientConfig: trusting, DisableKeepAlives: true}}
			resp, err := client.Get(p.Demo + "config.json")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			config, err := io.ReadAll(resp.Body)
			_, port, _ := net.SplitHostPort(p.Listen[0])
			if want := fmt.Sprintf(`{"scheme":%q,"port":%s,"path":"/socket/websocket"}`, tc.socket, port); err != nil || string(config) != want {
				t.Errorf("config %s, %v, want %s", config, err, want)
			}
			if !strings.HasPrefix(p.Demo, tc.page+"://127.0.0.1:") {
				t.Errorf("the page is at %s", p.Demo)
			}
			dialer := websocket.Dialer{TLSClientConfig: trusting}
			for _, address := range p.Listen {
				for origin, status := range map[string]int{
					strings.TrimSuffix(p.Demo, "/"): http.StatusSwitchingProtocols,
					tc.page + "://127.0.0.1:1":      http.StatusForbidden,
				} {
					c, resp, _ := dialer.DialContext(t.Context(), tc.socket+"://"+address+"/socket/websocket", http.Header{"Origin": {origin}})
					if resp == nil || resp.StatusCode != status {
						t.Fatalf("%s to %s: %v, want %d", origin, address, resp, status)
					}
					if c != nil {
						c.Close()
					}
				}
			}
		})
	}
}
