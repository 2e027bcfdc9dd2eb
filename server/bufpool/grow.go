package bufpool

// Grow returns a buffer with the bytes of b and at least twice its capacity; b
// has been taken back.
func Grow(b *Buffer) *Buffer {
	g := Get(2 * cap(b.B))
	g.B = append(g.B, b.B...)
	Put(b)
	return g
}
