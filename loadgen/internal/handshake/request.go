package handshake

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// KeySize is the size of the random nonce in octets.
const KeySize = 16

const encodedKey = 24 // base64 of the nonce

// Number stands in a request target for the number of the connection in its run,
// which is from 0.
const Number = "{i}"

// A Request is the text of an opening handshake that only lacks its key, and the
// connection's number where the target has it. It is read-only after [NewRequest]
// and may be shared.
type Request struct {
	text  []byte // the key is the last field
	marks []int  // where numbers stand in text
}

// NewRequest prepares a request for target (path and query, beginning with "/")
// on host, in which [Number] may stand any number of times. An empty origin sends no
// Origin field. Text with line breaks or spaces where none belong is refused.
func NewRequest(host, target, origin string) (Request, error) {
	for _, f := range []struct{ name, value string }{{"host", host}, {"request target", target}} {
		if f.value == "" || strings.ContainsFunc(f.value, func(r rune) bool { return r <= ' ' || r >= 0x7F }) {
			return Request{}, fmt.Errorf("%s %q is empty or holds a character that must be escaped", f.name, f.value)
		}
	}
	if strings.ContainsFunc(origin, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		return Request{}, fmt.Errorf("origin %q holds a control character", origin)
	}
	var b strings.Builder
	var marks []int
	b.WriteString("GET ")
	for i, part := range strings.Split(target, Number) {
		if i > 0 {
			marks = append(marks, b.Len())
		}
		b.WriteString(part)
	}
	fmt.Fprintf(&b, " HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n", host)
	if origin != "" {
		fmt.Fprintf(&b, "Origin: %s\r\n", origin)
	}
	b.WriteString("Sec-WebSocket-Key: ")
	return Request{[]byte(b.String()), marks}, nil
}

// Append appends the request of connection n of the run with the given nonce, which
// must be random and used once, and writes the expected Sec-WebSocket-Accept to
// accept.
func (r Request) Append(dst []byte, n uint32, nonce *[KeySize]byte, accept *Accept) []byte {
	done := 0
	for _, at := range r.marks {
		dst = append(dst, r.text[done:at]...)
		dst = strconv.AppendUint(dst, uint64(n), 10)
		done = at
	}
	dst = append(dst, r.text[done:]...)
	at := len(dst)
	dst = base64.StdEncoding.AppendEncode(dst, nonce[:])
	accept.of(dst[at : at+encodedKey])
	return append(dst, "\r\n\r\n"...)
}
