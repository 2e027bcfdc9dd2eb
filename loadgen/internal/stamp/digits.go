package stamp

const (
	zero = '0' // the digit of value 0; 'o' is 63

	perSeq, perConn, perTime, perCheck = 5, 5, 8, 5

	// MaxSeq is the largest sequence number.
	MaxSeq = maxNumber

	// maxNumber is the largest conn and seq, maxTime the longest time since
	// the start of the run in nanoseconds (78 h).
	maxNumber = 1<<30 - 1
	maxTime   = 1<<48 - 1
)

func put(p []byte, v uint64) {
	for i := range p {
		p[i] = zero + byte(v&63)
		v >>= 6
	}
}

func get(p []byte) (v uint64, ok bool) {
	bad := byte(0)
	for i := len(p) - 1; i >= 0; i-- {
		d := p[i] - zero
		bad |= d
		v = v<<6 | uint64(d&63)
	}
	return v, bad < 64
}

// mix spreads every bit of its inputs over the result (the finalizer of
// SplitMix64).
func mix(h, v uint64) uint64 {
	h = (h ^ v) * 0xBF58476D1CE4E5B9
	h ^= h >> 27
	h *= 0x94D049BB133111EB
	return h ^ h>>31
}
