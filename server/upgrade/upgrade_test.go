package upgrade_test

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbench/server/engine"
	"signalbench/server/upgrade"
)

// request is a complete opening handshake; with changes single lines.
const request = "GET /echo?room=7 HTTP/1.1\r\n" +
	"Host: example.test:8080\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: keep-alive, Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"\r\n"

func with(old, new string) string {
	if !strings.Contains(request, old) {
		panic("the request has no " + old)
	}
	return strings.Replace(request, old, new, 1)
}

var remote = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9), Port: 4711}

// handler is an engine.Handler of which only Accept may be called.
type handler struct {
	engine.Handler
	seen   *engine.Request
	answer error
}

func (h *handler) Accept(r *engine.Request) error {
	h.seen = r
	return h.answer
}

func do(t *testing.T, head string, cfg engine.Config, h *handler) (*http.Response, string, *engine.Request, error) {
	t.Helper()
	prefix := []byte("kept")
	out, r, err := upgrade.Do(prefix, []byte(head), remote, &cfg, h)
	if !bytes.HasPrefix(out, prefix) {
		t.Fatalf("Do did not append: %q", out)
	}
	resp, body := parse(t, out[len(prefix):])
	return resp, body, r, err
}

// parse reads one response and demands that nothing follows it.
func parse(t *testing.T, raw []byte) (*http.Response, string) {
	t.Helper()
	br := bufio.NewReader(bytes.NewReader(raw))
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatalf("response %q: %v", raw, err)
	}
	var body []byte
	if resp.StatusCode != http.StatusSwitchingProtocols {
		if body, err = io.ReadAll(resp.Body); err != nil {
			t.Fatalf("body of %q: %v", raw, err)
		}
	}
	if n := br.Buffered(); n > 0 {
		t.Fatalf("%d bytes behind the response %q", n, raw)
	}
	return resp, string(body)
}

func TestDoAccepts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		head string
		want engine.Request
	}{
		"plain":        {request, engine.Request{Path: "/echo", RawQuery: "room=7", Host: "example.test:8080"}},
		"no query":     {with("?room=7", ""), engine.Request{Path: "/echo", Host: "example.test:8080"}},
		"escaped path": {with("/echo", "/%65cho"), engine.Request{Path: "/echo", RawQuery: "room=7", Host: "example.test:8080"}},
		"absolute": {with("/echo", "http://example.test:8080/echo"),
			engine.Request{Path: "/echo", RawQuery: "room=7", Host: "example.test:8080"}},
		"lower-case name, bare LF": {strings.ReplaceAll(with("Upgrade: ", "upgrade:"), "\r\n", "\n"),
			engine.Request{Path: "/echo", RawQuery: "room=7", Host: "example.test:8080"}},
		"same origin": {with("\r\n\r\n", "\r\nOrigin: http://example.test:8080\r\n\r\n"),
			engine.Request{Path: "/echo", RawQuery: "room=7", Host: "example.test:8080", Origin: "http://example.test:8080"}},
		"long cookie": {with("\r\n\r\n", "\r\nCookie: "+strings.Repeat("c", 6<<10)+"\r\n\r\n"),
			engine.Request{Path: "/echo", RawQuery: "room=7", Host: "example.test:8080"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := new(handler)
			resp, _, r, err := do(t, tt.head, engine.DefaultConfig(), h)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != http.StatusSwitchingProtocols {
				t.Errorf("status %d", resp.StatusCode)
			}
			// The example of RFC 6455 section 1.3.
			if got, want := resp.Header.Get("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; got != want {
				t.Errorf("accept %q, want %q", got, want)
			}
			tt.want.RemoteAddr = remote
			if diff := cmp.Diff(&tt.want, r); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if h.seen != r {
				t.Error("Accept saw another request than the one returned")
			}
		})
	}
}

func TestDoRefuses(t *testing.T) {
	t.Parallel()
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	for name, tt := range map[string]struct {
		head    string
		answer  error
		status  int
		refused bool // on purpose, so an *engine.Refusal
		header  string
	}{
		"not HTTP":               {head: "hello\r\n\r\n", status: 400},
		"blank line at once":     {head: "\r\n", status: 400},
		"line without a colon":   {head: with("Host", "Ho st\r\nHost"), status: 400},
		"version of two digits":  {head: with("HTTP/1.1", "HTTP/1.11"), status: 400},
		"version of junk":        {head: with("HTTP/1.1", "HTTP/1.?1"), status: 400},
		"HTTP/1.0":               {head: with("HTTP/1.1", "HTTP/1.0"), status: 505},
		"POST":                   {head: with("GET", "POST"), status: 405, header: "Allow: GET"},
		"no Host":                {head: with("Host", "Hast"), status: 400},
		"no Upgrade":             {head: with("Upgrade: ", "Upgrode: "), status: 400},
		"Upgrade to h2c":         {head: with("Upgrade: websocket", "Upgrade: h2c"), status: 400},
		"no Connection":          {head: with("Connection: ", "Connektion: "), status: 400},
		"Connection: close":      {head: with("keep-alive, Upgrade", "close"), status: 400},
		"no version":             {head: with("-Version", "-Virsion"), status: 400},
		"version 8":              {head: with("Version: 13", "Version: 8"), status: 426, header: "Sec-WebSocket-Version: 13"},
		"no key":                 {head: with("-Key", "-Kay"), status: 400},
		"short key":              {head: with(key, "c2hvcnQ="), status: 400},
		"key not base64":         {head: with(key, "dGhlIHNhbXBsZSBub25jZ***"), status: 400},
		"key of 18 bytes":        {head: with(key, "dGhlIHNhbXBsZSBub25jZSEh"), status: 400},
		"two keys":               {head: with("Sec-WebSocket-Key", "Sec-WebSocket-Key: "+key+"\r\nsec-websocket-key"), status: 400},
		"two versions":           {head: with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13\r\nSec-Websocket-Version"), status: 400},
		"two hosts":              {head: with("Host", "Host: example.test:8080\r\nHOST"), status: 400},
		"two origins":            {head: with("Host", "Origin: http://example.test:8080\r\norigin: http://example.test:8080\r\nHost"), status: 400},
		"space before the colon": {head: with("Sec-WebSocket-Key:", "Sec-WebSocket-Key :"), status: 400},
		"folded line":            {head: with("Host", "X-Long: a\r\n b: c\r\nHost"), status: 400},
		"folded by a tab":        {head: with("Host", "X-Long: a\r\n\tb: c\r\nHost"), status: 400},
		"name that is no token":  {head: with("Host", "X(Y): a\r\nHost"), status: 400},
		"no name":                {head: with("Host", ": a\r\nHost"), status: 400},
		"CR in a value":          {head: with("Host", "X-Y: a\rb\r\nHost"), status: 400},
		"length":                 {head: with("Host", "Content-Length: 5\r\nHost"), status: 400},
		"chunks":                 {head: with("Host", "Transfer-Encoding: chunked\r\nHost"), status: 400},
		"control in a value":     {head: with("Host", "X-Y: a\bb\r\nHost"), status: 400},
		"no host name":           {head: with("example.test:8080", "exam ple.test"), status: 400},
		"NUL in a value":         {head: with("Host", "X-Y: a\x00b\r\nHost"), status: 400},
		"target with bad escape": {head: with("/echo", "/%zz"), status: 400},
		"target with a control":  {head: with("/echo", "/\x01"), status: 400},
		"foreign origin":         {head: with("\r\n\r\n", "\r\nOrigin: http://evil.test\r\n\r\n"), status: 403, refused: true},
		"handler says 404":       {head: request, answer: &engine.Refusal{Status: 404, Reason: "nothing here"}, status: 404, refused: true},
		"handler fails":          {head: request, answer: errors.New("database on fire"), status: 500, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &handler{answer: tt.answer}
			resp, body, r, err := do(t, tt.head, engine.DefaultConfig(), h)
			if err == nil || r != nil {
				t.Fatalf("accepted: %v, %v", r, err)
			}
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d (%v)", resp.StatusCode, tt.status, err)
			}
			if !resp.Close && !strings.Contains(resp.Header.Get("Connection"), "close") {
				t.Errorf("the response does not say that the connection closes: %v", resp.Header)
			}
			if name, value, ok := strings.Cut(tt.header, ": "); ok && resp.Header.Get(name) != value {
				t.Errorf("%s is %q, want %q", name, resp.Header.Get(name), value)
			}
			if strings.TrimSpace(body) == "" || strings.Contains(body, "fire") || strings.Contains(body, "bad handshake: ") {
				t.Errorf("body %q should say what is wrong with the request and nothing else", body)
			}
			if (h.seen != nil) != (tt.answer != nil) {
				t.Errorf("handler asked: %v", h.seen != nil)
			}
			var stats engine.Stats
			upgrade.Count(&stats, err)
			if refused := stats.Refused.Load() == 1; refused != tt.refused || stats.Refused.Load()+stats.Failed.Load() != 1 {
				t.Errorf("counted refused %d, failed %d", stats.Refused.Load(), stats.Failed.Load())
			}
		})
	}
}

func TestDoOrigins(t *testing.T) {
	t.Parallel()
	head := with("\r\n\r\n", "\r\nOrigin: https://app.test\r\n\r\n")
	for _, tt := range []struct {
		origins []string
		ok      bool
	}{
		{nil, false},
		{[]string{"https://app.test"}, true},
		{[]string{"https://other.test"}, false},
		{[]string{"*"}, true},
	} {
		cfg := engine.DefaultConfig()
		cfg.Origins = tt.origins
		if _, _, _, err := do(t, head, cfg, new(handler)); (err == nil) != tt.ok {
			t.Errorf("origins %q: %v", tt.origins, err)
		}
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want int
	}{
		{"", 0},
		{"G", 0},
		{"\n", 1},
		{"\r\n", 2},
		{"\r", 0},
		{"GET / HTTP/1.1\r\n\r", 0},
		{"GET / HTTP/1.1\r\n\r\n", 18},
		{"GET / HTTP/1.1\n\n", 16},
		{"GET / HTTP/1.1\n\r\nmore\r\n\r\n", 17},
		{"a\rb\r\n \r\n\r\n", 10},
	} {
		if got := upgrade.End([]byte(tt.in)); got != tt.want {
			t.Errorf("End(%q) = %d, want %d", tt.in, got, tt.want)
		}
	}
}

// FuzzDo holds End and Do to what they promise for any bytes: the end is the
// same however the bytes arrive, what follows it does not matter, the answer is
// one valid HTTP response that fits the error, and what is accepted net/http
// reads as the same request.
func FuzzDo(f *testing.F) {
	f.Add([]byte(request))
	f.Add([]byte(request + "\x81\x80\x00\x00\x00\x00"))
	f.Add([]byte(with("\r\n\r\n", "\r\nOrigin: http://example.test:8080\r\n\r\n")))
	f.Add([]byte(with("/echo", "http://[::1]/%65cho")))
	f.Add([]byte(with("Host", "Content-Length: 0\r\nTransfer-Encoding: identity\r\nHost")))
	f.Add([]byte(with("Host", "X: a\r\n b\r\nHost ")))
	f.Add([]byte("POST / HTTP/1.1\r\nHost:\r\n\r\n"))
	f.Add([]byte("GET / HTTP/99999999999999999999.1\n\n"))
	f.Add([]byte("\r\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		n := upgrade.End(p)
		if n == 0 {
			return
		}
		for i := range n {
			if got := upgrade.End(p[:i]); got != 0 {
				t.Fatalf("End is %d in the first %d bytes and %d in all", got, i, n)
			}
		}
		if got := upgrade.End(p[:n]); got != n {
			t.Fatalf("End(p[:%d]) = %d", n, got)
		}
		head := bytes.Clone(p[:n])
		cfg := engine.DefaultConfig()
		h := new(handler)
		out, r, err := upgrade.Do(nil, head, remote, &cfg, h)
		if !bytes.Equal(head, p[:n]) {
			t.Fatal("Do changed the request")
		}
		resp, _ := parse(t, out)
		if ok := resp.StatusCode == 101; ok != (err == nil) || ok != (r != nil) {
			t.Fatalf("status %d, request %v, error %v", resp.StatusCode, r, err)
		}
		if err != nil {
			return
		}
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
		if err != nil {
			t.Fatalf("accepted what net/http refuses: %v", err)
		}
		sum := sha1.Sum([]byte(req.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		if got, want := resp.Header.Get("Sec-WebSocket-Accept"), base64.StdEncoding.EncodeToString(sum[:]); got != want {
			t.Fatalf("accept %q, want %q", got, want)
		}
		if r.Host != req.Host || r.Origin != req.Header.Get("Origin") {
			t.Fatalf("host %q origin %q, net/http reads %q %q", r.Host, r.Origin, req.Host, req.Header.Get("Origin"))
		}
		if r.Path != req.URL.Path || r.RawQuery != req.URL.RawQuery {
			t.Fatalf("path %q query %q, net/http reads %q %q", r.Path, r.RawQuery, req.URL.Path, req.URL.RawQuery)
		}
	})
}

func BenchmarkDo(b *testing.B) {
	head := []byte(request)
	cfg := engine.DefaultConfig()
	h := new(handler)
	out := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		if n := upgrade.End(head); n != len(head) {
			b.Fatal("incomplete request")
		}
		if _, _, err := upgrade.Do(out, head, remote, &cfg, h); err != nil {
			b.Fatal(err)
		}
	}
}
