package upgrade

import (
	"bytes"
	"encoding/base64"
)

// ValidKey reports whether key is the base64 form of 16 bytes, as RFC 6455
// section 4.2.1 item 5 demands of Sec-WebSocket-Key.
func ValidKey[T string | []byte](key T) bool {
	var encoded [24]byte
	var nonce [18]byte // what 24 base64 digits decode to at most
	if copy(encoded[:], key) != len(encoded) || len(key) != len(encoded) {
		return false
	}
	n, err := base64.StdEncoding.Decode(nonce[:], encoded[:])
	return err == nil && n == 16
}

var keyField = []byte("sec-websocket-key")

// keyIn reports whether the request head has exactly one Sec-WebSocket-Key
// (RFC 6455 section 11.3.1) and it is valid. The Upgrader looks at the last
// one, and at its length alone.
func keyIn(head []byte) bool {
	found := false
	for {
		n, blank := line(head)
		if n == 0 || blank {
			return found
		}
		name, value, _ := bytes.Cut(head[:n], []byte(":"))
		if bytes.EqualFold(bytes.TrimSpace(name), keyField) {
			if found || !ValidKey(bytes.TrimSpace(value)) {
				return false
			}
			found = true
		}
		head = head[n:]
	}
}
