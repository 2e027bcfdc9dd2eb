package bufpool_test

import (
	"bytes"
	"testing"

	"signalbench/server/bufpool"
)

func TestGetRoundsUpToAClass(t *testing.T) {
	for _, tt := range []struct{ n, want int }{
		{0, 256}, {1, 256}, {256, 256}, {257, 512}, {512, 512}, {513, 1024},
		{65_536, 65_536}, {65_537, 131_072}, {1 << 20, 1 << 20}, {1<<20 + 1, 1<<20 + 1},
	} {
		b := bufpool.Get(tt.n)
		if len(b.B) != 0 || cap(b.B) != tt.want {
			t.Errorf("Get(%d) has length %d and capacity %d, want 0 and %d", tt.n, len(b.B), cap(b.B), tt.want)
		}
		bufpool.Put(b)
	}
}

func TestAppendKeepsTheBytesWhileItGrows(t *testing.T) {
	want := make([]byte, 3<<20)
	for i := range want {
		want[i] = byte(i * 7)
	}
	for _, step := range []int{1 << 10, 4093, 1 << 20} {
		var b *bufpool.Buffer
		for p := want; len(p) > 0; {
			n := min(step, len(p))
			b = bufpool.Append(b, p[:n])
			p = p[n:]
			if len(b.B) > 256 && cap(b.B) > 2*len(b.B) {
				t.Fatalf("step %d: capacity %d for %d bytes", step, cap(b.B), len(b.B))
			}
		}
		if !bytes.Equal(b.B, want) {
			t.Errorf("step %d: bytes differ after growing", step)
		}
		bufpool.Put(b)
	}
}

func TestPutRefusesABufferThatWasCut(t *testing.T) {
	b := bufpool.Get(1024)
	b.B = b.B[100:100]
	bufpool.Put(b)
	bufpool.Put(nil)
	for range 100 {
		if b := bufpool.Get(1000); cap(b.B) != 1024 {
			t.Fatalf("a cut buffer of capacity %d came back", cap(b.B))
		}
	}
}

func BenchmarkGetPut(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		bufpool.Put(bufpool.Get(4096))
	}
}
