package handshake

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// The example of RFC 6455 section 1.3.
func exampleAccept() *Accept {
	return (*Accept)([]byte("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
}

func TestRequestIsTheExampleOfTheRFC(t *testing.T) {
	r, err := NewRequest("server.example.com", "/chat?x=1", "http://example.com")
	if err != nil {
		t.Fatal(err)
	}
	nonce := [KeySize]byte([]byte("the sample nonce"))
	var accept Accept
	text := r.Append(nil, 0, &nonce, &accept)
	if accept != *exampleAccept() {
		t.Errorf("accept %s", accept)
	}
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	if req.Host != "server.example.com" || req.URL.String() != "/chat?x=1" || req.Header.Get("Sec-WebSocket-Key") != "dGhlIHNhbXBsZSBub25jZQ==" || req.Header.Get("Origin") != "http://example.com" {
		t.Errorf("request is\n%s", text)
	}
	for _, bad := range [][3]string{{"", "/", ""}, {"h", "", ""}, {"h", "/a b", ""}, {"h\r\nX: y", "/", ""}, {"h", "/", "o\n"}} {
		if _, err := NewRequest(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// The connection's number stands wherever the target asks for it, and costs nothing.
func TestRequestOfANumber(t *testing.T) {
	r, err := NewRequest("h", "/a/{i}?of={i}&{j}", "")
	if err != nil {
		t.Fatal(err)
	}
	nonce := [KeySize]byte([]byte("the sample nonce"))
	var accept Accept
	var text []byte
	for n, want := range map[uint32]string{0: "GET /a/0?of=0&{j} HTTP/1.1\r\nHost: h\r\n", 1<<30 + 7: "GET /a/1073741831?of=1073741831&{j} HTTP/1.1\r\nHost: h\r\n"} {
		if text = r.Append(text[:0], n, &nonce, &accept); !strings.HasPrefix(string(text), want) || accept != *exampleAccept() {
			t.Errorf("%d: %q", n, text)
		}
	}
	if n := testing.AllocsPerRun(100, func() { text = r.Append(text[:0], 12345, &nonce, &accept) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// An independent server takes the request, and its response passes.
func TestAgainstAnotherServer(t *testing.T) {
	r, _ := NewRequest("127.0.0.1:8080", "/echo", "")
	var accept Accept
	var out bytes.Buffer
	in := r.Append(nil, 0, &[KeySize]byte{1, 2, 3}, &accept)
	if _, err := ws.Upgrade(struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(in), &out}); err != nil {
		t.Fatal(err)
	}
	n, err := End(out.Bytes(), 0)
	if err != nil || n != out.Len() {
		t.Fatalf("end %d of %d, %v", n, out.Len(), err)
	}
	if err := Check(out.Bytes(), &accept); err != nil {
		t.Errorf("%v in\n%s", err, out.Bytes())
	}
}

const good = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

func TestCheck(t *testing.T) {
	edit := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %q to edit", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for _, tc := range []struct {
		name, head string
		want       error
		status     int
	}{
		{"good", good, nil, 0},
		{"no reason phrase", edit(" Switching Protocols", ""), nil, 0},
		{"case and spaces", edit("Upgrade: websocket\r\nConnection: Upgrade", "UPGRADE:   WebSocket \r\nconnection:keep-alive, UPGRADE"), nil, 0},
		{"connection in two lines", edit("Connection: Upgrade", "Connection: keep-alive\r\nConnection: upgrade"), nil, 0},
		{"other fields", edit("\r\nUpgrade", "\r\nServer: x\r\nDate: y:z\r\nUpgrade"), nil, 0},
		{"200", edit("101 Switching Protocols", "200 OK"), nil, 200},
		{"403 without reason", "HTTP/1.1 403\r\n\r\n", nil, 403},
		{"wrong accept", edit("s3p", "S3p"), ErrAccept, 0},
		{"no accept", edit("Sec-WebSocket-Accept", "X"), ErrAccept, 0},
		{"two accepts", edit("Upgrade: websocket", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nUpgrade: websocket"), ErrAccept, 0},
		{"no upgrade", edit("Upgrade: websocket\r\n", ""), ErrMalformed, 0},
		{"other upgrade", edit("websocket", "h2c"), ErrMalformed, 0},
		{"no connection", edit("Connection: Upgrade", "Connection: close"), ErrMalformed, 0},
		{"HTTP/1.0", edit("HTTP/1.1", "HTTP/1.0"), ErrMalformed, 0},
		{"four digits", edit("101 ", "1010"), ErrMalformed, 0},
		{"extension not offered", edit("Upgrade: websocket", "Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade: websocket"), ErrMalformed, 0},
		{"protocol not offered", edit("Upgrade: websocket", "Sec-WebSocket-Protocol: chat\r\nUpgrade: websocket"), ErrMalformed, 0},
		{"space before colon", edit("Upgrade:", "Upgrade :"), ErrMalformed, 0},
		{"folded line", edit("Connection", " folded\r\nConnection"), ErrMalformed, 0},
		{"line feed in the reason", edit("Protocols", "Proto\ncols"), ErrMalformed, 0},
		{"control character", edit("websocket", "websocket\x00"), ErrMalformed, 0},
		{"no blank line", strings.TrimSuffix(good, "\r\n\r\n"), ErrMalformed, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := Check([]byte(tc.head), exampleAccept())
			if s := new(StatusError); errors.As(err, &s) {
				if s.Code != tc.status {
					t.Errorf("status %d, want %d", s.Code, tc.status)
				}
			} else if tc.status != 0 || !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}

// However the octets arrive, the end is found at the same place.
func TestEndOctetByOctet(t *testing.T) {
	p := good + "\x81\x00glued frame\r\n\r\n"
	for i := range len(p) {
		n, err := End([]byte(p[:i]), max(0, i-1))
		switch {
		case err != nil:
			t.Fatal(err)
		case i < len(good) && n != 0:
			t.Fatalf("ends after %d octets of %d", n, i)
		case i == len(good) && n != i:
			t.Fatalf("ends after %d octets, want %d", n, i)
		}
	}
	for _, bad := range []string{"\x00", "HTTP/2", "SSH-2.0-OpenSSH", "HTTP/1.1 200 OK\r\n" + strings.Repeat("x", MaxHead)} {
		if _, err := End([]byte(bad), 0); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

// No response panics, one that passes is an upgrade for net/http too, and the
// place where it ends does not depend on how it was cut.
func FuzzResponse(f *testing.F) {
	f.Add([]byte(good), uint(10))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), uint(3))
	f.Fuzz(func(t *testing.T, p []byte, cut uint) {
		n, err := End(p, 0)
		if first := int(cut % uint(len(p)+1)); err == nil {
			if m, err := End(p[:first], 0); m == 0 && err == nil {
				m, err = End(p, first)
				if m != n || err != nil {
					t.Fatalf("ends at %d whole, at %d (%v) after a cut at %d", n, m, err, first)
				}
			}
		}
		if n == 0 || Check(p[:n], exampleAccept()) != nil {
			return
		}
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(p[:n])), nil)
		if err != nil {
			t.Fatalf("net/http refuses what passed: %v\n%q", err, p[:n])
		}
		if res.StatusCode != 101 || !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") || res.Header.Get("Sec-WebSocket-Accept") != string(exampleAccept()[:]) {
			t.Fatalf("passed:\n%q", p[:n])
		}
	})
}

func BenchmarkHandshake(b *testing.B) {
	r, _ := NewRequest("127.0.0.1:8080", "/echo", "")
	nonce := [KeySize]byte([]byte("the sample nonce"))
	var accept Accept
	var dst []byte
	response := []byte(good)
	b.ReportAllocs()
	for b.Loop() {
		dst = r.Append(dst[:0], 0, &nonce, &accept)
		if n, err := End(response, 0); n != len(good) || err != nil {
			b.Fatal(n, err)
		}
		if err := Check(response, &accept); err != nil {
			b.Fatal(err)
		}
	}
}
