package enginetest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// A head is an opening handshake as a client sends it (RFC 6455 section 4.1),
// kept as text so that any part of it can be wrong.
type head struct {
	method, target, proto string
	fields                [][2]string
	key                   string // the Sec-WebSocket-Key that the Accept is held against
}

func newHead(e endpoint) *head {
	var nonce [16]byte
	rand.Read(nonce[:])
	key := base64.StdEncoding.EncodeToString(nonce[:])
	return &head{
		method: "GET", target: e.path, proto: "HTTP/1.1", key: key,
		fields: [][2]string{
			{"Host", e.field},
			{"Upgrade", "websocket"},
			{"Connection", "Upgrade"},
			{"Sec-WebSocket-Key", key},
			{"Sec-WebSocket-Version", "13"},
		},
	}
}

// set replaces the field, or adds it.
func (h *head) set(name, value string) {
	for i := range h.fields {
		if strings.EqualFold(h.fields[i][0], name) {
			h.fields[i] = [2]string{name, value}
			return
		}
	}
	h.add(name, value)
}

// add sends one field more, of that name or not.
func (h *head) add(name, value string) { h.fields = append(h.fields, [2]string{name, value}) }

// drop removes the field.
func (h *head) drop(name string) {
	kept := h.fields[:0]
	for _, f := range h.fields {
		if !strings.EqualFold(f[0], name) {
			kept = append(kept, f)
		}
	}
	h.fields = kept
}

func (h *head) bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\r\n", h.method, h.target, h.proto)
	for _, f := range h.fields {
		fmt.Fprintf(&b, "%s: %s\r\n", f[0], f[1])
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// acceptOf is the Sec-WebSocket-Accept that belongs to a key (RFC 6455 section 4.2.2).
func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// verify holds a response against RFC 6455 section 4.1, what a client must check.
func (h *head) verify(r *http.Response) error {
	if r.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("expected the upgrade to be answered 101, got %s", r.Status)
	}
	if got := r.Header.Get("Upgrade"); !strings.EqualFold(got, "websocket") {
		return fmt.Errorf("expected the 101 to carry Upgrade: websocket, got %q", got)
	}
	if got := r.Header.Get("Connection"); !hasToken(got, "upgrade") {
		return fmt.Errorf("expected the 101 to carry Connection: Upgrade, got %q", got)
	}
	if got, want := r.Header.Get("Sec-WebSocket-Accept"), acceptOf(h.key); got != want {
		return fmt.Errorf("expected Sec-WebSocket-Accept %q for the key %q, got %q", want, h.key, got)
	}
	if got := r.Header.Get("Sec-WebSocket-Extensions"); got != "" {
		return fmt.Errorf("expected no extension, as none was offered that exists, got %q", got)
	}
	return nil
}

// hasToken reports whether a comma-separated field holds a token, in any case.
func hasToken(field, token string) bool {
	for part := range strings.SplitSeq(field, ",") {
		if strings.EqualFold(strings.TrimSpace(part), token) {
			return true
		}
	}
	return false
}
