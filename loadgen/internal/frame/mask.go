package frame

import (
	"encoding/binary"
	"math/bits"
)

// A Key is a masking key as it stands on the wire, read as a little-endian
// number: octet i of the key is byte i.
type Key uint32

// mask appends src to dst, masked (RFC 6455 section 5.3). The first octet of
// src is masked with octet pos modulo 4 of the key.
func mask(dst, src []byte, key Key, pos int) []byte {
	k32 := bits.RotateLeft32(uint32(key), -8*(pos&3))
	k64 := uint64(k32)<<32 | uint64(k32)
	n := len(dst)
	dst = append(dst, src...)
	p := dst[n:]
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^k64)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= byte(k64 >> (8 * i))
	}
	return dst
}
