package hub

import (
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
	"math/rand/v2"
)

// A peer's id is a 64-bit number: its upper half is random, its lower half the
// peer's place in the room, masked with a keyed hash of the upper. So a room finds
// a peer without an index, and ids tell nothing and are hard to guess: who has
// a place and not its id is right once in 2^32.

// idLen is the length of an id as text.
const idLen = 11

// newID returns an id for a place.
func (h *Hub) newID(slot uint32) uint64 {
	high := rand.Uint32()
	return uint64(high)<<32 | uint64(slot^h.mask(high))
}

// slot returns the place that an id has in it, if it is one of this hub's.
func (h *Hub) slot(id uint64) uint32 { return uint32(id) ^ h.mask(uint32(id>>32)) }

func (h *Hub) mask(high uint32) uint32 {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], high)
	return uint32(maphash.Bytes(h.seed, b[:]))
}

// appendID appends an id as text: base64 for URLs (RFC 4648 section 5).
func appendID(dst []byte, id uint64) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], id)
	return base64.RawURLEncoding.AppendEncode(dst, b[:])
}

// parseID reads what appendID wrote.
func parseID(text []byte) (uint64, bool) {
	var b [8]byte
	if len(text) != idLen {
		return 0, false
	}
	if n, err := base64.RawURLEncoding.Strict().Decode(b[:], text); n != len(b) || err != nil {
		return 0, false
	}
	return binary.BigEndian.Uint64(b[:]), true
}
