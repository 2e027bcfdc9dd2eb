package demo

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
	return w
}

// The page asks for nothing but what is served with it.
func TestPageIsWhole(t *testing.T) {
	t.Parallel()
	h, err := Handler(Config{Scheme: "wss", Port: 8080, Path: "/socket"})
	if err != nil {
		t.Fatal(err)
	}
	asked := []string{""}
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"|from "\./([^"]*)"|fetch\("([^"]*)"`)
	seen := make(map[string]bool)
	for len(asked) > 0 {
		path := asked[0]
		asked = asked[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		w := get(t, h, "/"+path)
		body := w.Body.String()
		if w.Code != http.StatusOK || body == "" || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'self'") {
			t.Errorf("/%s: %d %v", path, w.Code, w.Header())
		}
		for _, m := range links.FindAllStringSubmatch(body, -1) {
			asked = append(asked, m[1]+m[2]+m[3])
		}
	}
	for _, path := range []string{"", "style.css", "icon.svg", "app.js", "socket.js", "peer.js", "config.json"} {
		if !seen[path] {
			t.Errorf("the page does not use /%s", path)
		}
	}
	if w := get(t, h, "/config.json"); w.Body.String() != `{"scheme":"wss","port":8080,"path":"/socket"}` {
		t.Errorf("config %s", w.Body)
	}
	if w := get(t, h, "/missing"); w.Code != http.StatusNotFound {
		t.Errorf("/missing: %d", w.Code)
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h, err := Handler(Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- Serve(ctx, l, h) }()
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(httptest.NewRequestWithContext(t.Context(), "GET", "http://"+l.Addr().String()+"/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "<title>") {
		t.Errorf("%s, %v", body, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve returned %v", err)
	}
}
