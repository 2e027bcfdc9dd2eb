package upgrade

import "encoding/base64"

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
