package publish

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

const told = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Thu, 26 Nov 2026 02:00:00 GMT\r\nContent-Length: 16\r\n\r\n{\"receivers\":1}\n"

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want answer
		n    int
		bad  bool
	}{
		"one":               {told, answer{200, 1}, len(told), false},
		"more behind it":    {told + told, answer{200, 1}, len(told), false},
		"head in part":      {told[:40], answer{}, 0, false},
		"nothing":           {"", answer{}, 0, false},
		"refused":           {"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 5\r\n\r\nbusy\n", answer{503, 0}, 60, false},
		"without a reason":  {"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", answer{404, 0}, 35, false},
		"no length":         {"HTTP/1.1 200 OK\r\n\r\n", answer{}, 0, true},
		"two lengths":       {"HTTP/1.1 404 x\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\na", answer{}, 0, true},
		"too long":          {"HTTP/1.1 404 x\r\nContent-Length: 70000\r\n\r\n", answer{}, 0, true},
		"chunks":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", answer{}, 0, true},
		"another protocol":  {"SSH-2.0-OpenSSH_9.6\r\n\r\n", answer{}, 0, true},
		"no receipt":        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", answer{}, 0, true},
		"a receipt of text": {"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"receivers\":\"1\"}", answer{}, 0, true},
		"no end of a head":  {strings.Repeat("x", maxAnswer+1), answer{}, 0, true},
	} {
		a, n, err := parse([]byte(tc.in))
		if err != nil != tc.bad || n != tc.n || n > 0 && a != tc.want {
			t.Errorf("%s: %+v of %d bytes, %v", name, a, n, err)
		}
	}
	body := len(told) - 16
	if _, n, err := parse([]byte(told[:body+3])); n != 0 || err != nil {
		t.Errorf("a body in part: %d, %v", n, err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _, _ = parse([]byte(told)) }); n > 1 { // the slice
		t.Errorf("%v allocations", n)
	}
}

// What is understood, net/http understands in the same way.
func FuzzParse(f *testing.F) {
	f.Add([]byte(told))
	f.Add([]byte("HTTP/1.1 503 x\r\nContent-Length: 5\r\n\r\nbusy\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
	f.Fuzz(func(t *testing.T, p []byte) {
		a, n, err := parse(p)
		if n < 0 || n > len(p) || err != nil && n != 0 {
			t.Fatalf("%d of %d bytes, %v", n, len(p), err)
		}
		if n == 0 {
			return
		}
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(p[:n])), nil)
		if err != nil {
			t.Skip() // net/http is stricter about fields that do not matter here
		}
		if res.StatusCode != a.status {
			t.Fatalf("status %d, net/http says %d", a.status, res.StatusCode)
		}
		if a.status != http.StatusOK {
			return
		}
		body, err := io.ReadAll(res.Body)
		var receipt map[string]any
		if err != nil || json.Unmarshal(body, &receipt) != nil {
			t.Fatalf("understood %q", p[:n])
		}
	})
}
