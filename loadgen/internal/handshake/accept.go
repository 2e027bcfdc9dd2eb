package handshake

import (
	"crypto/sha1"
	"encoding/base64"
)

// Accept is the value of Sec-WebSocket-Accept that answers a key: base64 of
// SHA-1 over the key and a fixed GUID (RFC 6455 section 4.2.2).
type Accept [28]byte

func (a *Accept) of(key []byte) {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	var in [encodedKey + len(guid)]byte
	copy(in[:], key)
	copy(in[encodedKey:], guid)
	sum := sha1.Sum(in[:])
	base64.StdEncoding.Encode(a[:], sum[:])
}
