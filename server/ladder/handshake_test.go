package ladder_test

import (
	"bufio"
	"bytes"
	"net/http"
	"testing"

	"signalbench/server/ladder"
)

// All ways to answer a handshake give the same answer, each time.
func TestHandshakes(t *testing.T) {
	for _, h := range ladder.Handshakes() {
		t.Run(h.Name, func(t *testing.T) {
			for range 3 {
				p, err := h.Do()
				if err != nil {
					t.Fatal(err)
				}
				rest := bufio.NewReader(bytes.NewReader(p))
				r, err := http.ReadResponse(rest, nil)
				if err != nil {
					t.Fatalf("%q: %v", p, err)
				}
				// The key and what is made of it are those of RFC 6455 section 1.3.
				if got := r.Header.Get("Sec-WebSocket-Accept"); r.StatusCode != http.StatusSwitchingProtocols || got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
					t.Errorf("answered %q", p)
				}
				if rest.Buffered() > 0 {
					t.Errorf("%d bytes behind the response", rest.Buffered())
				}
			}
		})
	}
}

func BenchmarkUpgrade(b *testing.B) {
	for _, h := range ladder.Handshakes() {
		b.Run(h.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
