// Package bufpool lends byte buffers to connections that are, for the moment,
// not idle: half a frame, a message in fragments, bytes a slow peer has not
// taken. An idle connection holds none, so the pool and not the number of
// connections decides how much memory buffers cost.
//
// Buffers come in powers of two from 256 B to 1 MiB; a larger one is made when
// asked for and left to the garbage collector. Get, Append and Put allocate
// nothing once the pool is warm. All functions may be called from any
// goroutine; one Buffer belongs to one goroutine at a time.
//
// The package must not know what the bytes mean.
package bufpool

import (
	"math/bits"
	"sync"
)

const (
	minShift = 8  // 256 B
	maxShift = 20 // 1 MiB
)

// A Buffer is borrowed memory; B is free to be resliced, within its capacity,
// and must not be used after [Put].
type Buffer struct{ B []byte }

var classes [maxShift - minShift + 1]sync.Pool

// class is the index of the smallest class of at least n bytes.
func class(n int) int {
	if n <= 1<<minShift {
		return 0
	}
	return bits.Len(uint(n-1)) - minShift
}

// Get lends an empty buffer with a capacity of at least n bytes.
func Get(n int) *Buffer {
	i := class(n)
	if i >= len(classes) {
		return &Buffer{B: make([]byte, 0, n)}
	}
	if b, _ := classes[i].Get().(*Buffer); b != nil {
		return b
	}
	return &Buffer{B: make([]byte, 0, 1<<(i+minShift))}
}

// Put takes a buffer back; nil is ignored.
func Put(b *Buffer) {
	if b == nil {
		return
	}
	// B may have been resliced from its front: only a capacity that is exactly
	// a class is one that Get made and nobody cut.
	i := class(cap(b.B))
	if i >= len(classes) || cap(b.B) != 1<<(i+minShift) {
		return
	}
	b.B = b.B[:0]
	classes[i].Put(b)
}

// Append appends p to b and returns the buffer that now holds the bytes: b
// itself or a larger one, b having been taken back. A nil b is an empty one.
// Capacity at least doubles, so the cost for each byte is constant, and it never
// runs ahead of the bytes that are really there by more than a factor of two.
func Append(b *Buffer, p []byte) *Buffer {
	if b == nil {
		b = Get(len(p))
	} else if need := len(b.B) + len(p); need > cap(b.B) {
		g := Get(max(need, 2*cap(b.B)))
		g.B = append(g.B, b.B...)
		Put(b)
		b = g
	}
	b.B = append(b.B, p...)
	return b
}
