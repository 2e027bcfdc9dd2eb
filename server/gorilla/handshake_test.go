package gorilla_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbench/server/echo"
	"signalbench/server/engine"
	"signalbench/server/gorilla"
	"signalbench/server/upgrade"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const request = "GET /echo HTTP/1.1\r\n" +
	"Host: example.test\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"\r\n"

// start serves echo until the test ends and returns the address.
func start(t *testing.T, e engine.Entry, cfg engine.Config) string {
	t.Helper()
	eng, err := e.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- eng.Serve(ctx, []net.Listener{l}, echo.Handler{}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
	return l.Addr().String()
}

// send writes a request and reads the response; whatever follows stays in the reader.
func send(t *testing.T, address, request string) (*http.Response, *bufio.Reader, net.Conn) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp, br, c
}

// A mistake in a handshake has one status, whichever engine it meets: that of
// package upgrade, which the engines without net/http answer from.
func TestStatusesAreThoseOfTheOtherEngines(t *testing.T) {
	t.Parallel()
	cfg := engine.DefaultConfig()
	addresses := map[string]string{
		"gorilla":      start(t, gorilla.Entry, cfg),
		"gorilla-lean": start(t, gorilla.LeanEntry, cfg),
	}
	for what, change := range map[string][2]string{
		"nothing":                {"GET", "GET"},
		"method":                 {"GET", "POST"},
		"HTTP/1.0":               {"HTTP/1.1", "HTTP/1.0"},
		"no Host":                {"Host: example.test\r\n", ""},
		"no Upgrade":             {"Upgrade: websocket\r\n", ""},
		"other Upgrade":          {"websocket", "h2c"},
		"no Connection":          {"Connection: Upgrade\r\n", ""},
		"Connection":             {"Connection: Upgrade", "Connection: close"},
		"no version":             {"Sec-WebSocket-Version: 13\r\n", ""},
		"old version":            {"Version: 13", "Version: 8"},
		"no key":                 {"Sec-WebSocket-Key", "X-Key"},
		"short key":              {"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIA=="},
		"bad key":                {"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZ!=="},
		"two keys":               {"Sec-WebSocket-Version", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version"},
		"two versions":           {"Sec-WebSocket-Key", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key"},
		"two other versions":     {"Sec-WebSocket-Key", "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key"},
		"another version behind": {"Version: 13\r\n", "Version: 13\r\nSec-WebSocket-Version: 8\r\n"},
		"two hosts":              {"Host", "Host: example.test\r\nHost"},
		"two origins":            {"Upgrade: ", "Origin: http://example.test\r\nOrigin: http://evil.test\r\nUpgrade: "},
		"space before the colon": {"Key:", "Key :"},
		"name that is no token":  {"Upgrade: ", "X(Y): a\r\nUpgrade: "},
		"CR in a value":          {"Upgrade: ", "X-Y: a\rb\r\nUpgrade: "},
		"length":                 {"Upgrade: ", "Content-Length: 5\r\nUpgrade: "},
		"length 0":               {"Upgrade: ", "Content-Length: 0\r\nUpgrade: "},
		"chunks":                 {"Upgrade: ", "Transfer-Encoding: chunked\r\nUpgrade: "},
		"control in a value":     {"Upgrade: ", "X-Y: a\bb\r\nUpgrade: "},
		"no host name":           {"example.test", "exam ple.test"},
		"NUL in a value":         {"Upgrade: ", "X-Y: a\x00b\r\nUpgrade: "},
		"path":                   {"/echo", "/other"},
		"path and query":         {"/echo", "/echo?a=%zz"},
		"escaped path":           {"/echo", "/%65cho"},
		"bad escape":             {"/echo", "/%zz"},
		"own origin":             {"Upgrade: ", "Origin: http://example.test\r\nUpgrade: "},
		"foreign origin":         {"Upgrade: ", "Origin: http://evil.test\r\nUpgrade: "},
		"unparsed origin":        {"Upgrade: ", "Origin: ://\r\nUpgrade: "},
	} {
		head := strings.Replace(request, change[0], change[1], 1)
		raw, _, _ := upgrade.Do(nil, []byte(head), &net.TCPAddr{}, &cfg, echo.Handler{})
		want, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
		if err != nil {
			t.Fatal(err)
		}
		for engine, address := range addresses {
			t.Run(engine+"/"+what, func(t *testing.T) {
				t.Parallel()
				got, _, _ := send(t, address, head)
				if got.StatusCode != want.StatusCode {
					t.Errorf("status %d, the others answer %d", got.StatusCode, want.StatusCode)
				}
				for _, field := range []string{"Sec-WebSocket-Version", "Sec-WebSocket-Accept", "Upgrade", "Allow"} {
					if got.Header.Get(field) != want.Header.Get(field) {
						t.Errorf("%s is %q, the others answer %q", field, got.Header.Get(field), want.Header.Get(field))
					}
				}
				if got.StatusCode != http.StatusSwitchingProtocols && !got.Close {
					t.Error("the response does not say that the connection closes")
				}
			})
		}
	}
}

// What a client sends behind its request, without waiting for the 101, is not
// lost, however much of it net/http has read.
func TestFramesBehindTheRequest(t *testing.T) {
	t.Parallel()
	for _, e := range []engine.Entry{gorilla.Entry, gorilla.LeanEntry} {
		address := start(t, e, engine.DefaultConfig())
		for _, size := range []int{0, 1, 125, 3000, 20_000} {
			t.Run(fmt.Sprint(e.Name, "/", size), func(t *testing.T) {
				t.Parallel()
				payload := strings.Repeat("x", size)
				frame := []byte{0x82, 0x80 | byte(size), 0, 0, 0, 0}
				if size >= 126 {
					frame = []byte{0x82, 0x80 | 126, byte(size >> 8), byte(size), 0, 0, 0, 0}
				}
				resp, br, _ := send(t, address, request+string(frame)+payload)
				if resp.StatusCode != http.StatusSwitchingProtocols {
					t.Fatalf("status %d", resp.StatusCode)
				}
				want := append([]byte{0x82, byte(size)}, payload...)
				if size >= 126 {
					want = append([]byte{0x82, 126, byte(size >> 8), byte(size)}, payload...)
				}
				got := make([]byte, len(want))
				for n := 0; n < len(got); {
					k, err := br.Read(got[n:])
					if err != nil {
						t.Fatalf("after %d of %d bytes: %v", n, len(got), err)
					}
					n += k
				}
				if !bytes.Equal(got, want) {
					t.Error("another echo than what was sent")
				}
			})
		}
	}
}
