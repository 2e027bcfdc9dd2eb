package stamp

import (
	"bytes"
	"slices"
	"testing"
	"time"
	"unicode/utf8"
)

func layout(t testing.TB, size int) *Layout {
	t.Helper()
	l, err := New(size, 7)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func payload(l *Layout, s Stamp) []byte {
	var buf [HeaderSize]byte
	head, body := l.Parts(&buf, s)
	return slices.Concat(head, body)
}

var stamps = []Stamp{
	{},
	{Conn: 1, Seq: 2, Due: 3, Sent: 4},
	{Conn: maxNumber, Seq: maxNumber, Due: maxTime, Sent: maxTime},
	{Conn: 12345, Seq: period - 1, Due: 30 * time.Second, Sent: 31 * time.Second},
	{Conn: 12345, Seq: period, Due: time.Hour, Sent: time.Hour + 1},
}

func TestThereAndBack(t *testing.T) {
	for _, size := range []int{8, 9, 31, 32, 33, 128, 70000} {
		l := layout(t, size)
		for _, want := range stamps {
			p := payload(l, want)
			if len(p) != size || !utf8.Valid(p) || bytes.ContainsFunc(p, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("%d B: payload of %d B: %.60q", size, len(p), p)
			}
			got, v := l.Read(p, want.Conn)
			if l.Small() {
				want.Due, want.Sent = 0, 0
			}
			if v != Intact || got != want {
				t.Errorf("%d B: %+v, verdict %d; want %+v", size, got, v, want)
			}
		}
	}
}

// No single wrong octet passes, and a right header is still told from a wrong body.
func TestEveryOctetCounts(t *testing.T) {
	for _, size := range []int{8, 20, 32, 128} {
		l := layout(t, size)
		for _, s := range stamps {
			p := payload(l, s)
			for i := range p {
				for _, x := range []byte{1, 0x20, 0x80, 0xFF} {
					p[i] ^= x
					got, v := l.Read(p, s.Conn)
					switch {
					case i < l.headSize() && v != BadHeader:
						t.Fatalf("%d B, octet %d ^ %#x of the header: verdict %d", size, i, x, v)
					case i >= l.headSize() && (v != BadBody || got.Seq != s.Seq):
						t.Fatalf("%d B, octet %d ^ %#x of the body: verdict %d, seq %d", size, i, x, v, got.Seq)
					}
					p[i] ^= x
				}
			}
			if _, v := l.Read(p, s.Conn^1); v != BadHeader {
				t.Errorf("%d B: delivered to another connection, verdict %d", size, v)
			}
			for n := range p {
				if _, v := l.Read(p[:n], s.Conn); v == Intact {
					t.Errorf("%d of %d B are intact", n, size)
				}
			}
			if _, v := l.Read(append(p, zero), s.Conn); v == Intact {
				t.Errorf("one octet more than %d B is intact", size)
			}
		}
	}
}

func TestBodiesDiffer(t *testing.T) {
	l := layout(t, 128)
	if bytes.Equal(l.body(1), l.body(2)) {
		t.Error("two messages that follow each other have the same body")
	}
	other, _ := New(128, 8)
	if _, v := other.Read(payload(l, stamps[1]), stamps[1].Conn); v == Intact {
		t.Error("a message of another run is intact")
	}
}

func TestSizes(t *testing.T) {
	for _, size := range []int{-1, 0, 7, MaxSize + 1} {
		if _, err := New(size, 0); err == nil {
			t.Errorf("%d B were taken", size)
		}
	}
}

// What is called intact is octet for octet what would have been sent.
func FuzzRead(f *testing.F) {
	for _, size := range []int{8, 31, 32, 128} {
		f.Add(payload(layout(f, size), stamps[3]), uint32(12345))
	}
	f.Fuzz(func(t *testing.T, p []byte, conn uint32) {
		l, err := New(len(p), 7)
		if err != nil {
			t.Skip()
		}
		if s, v := l.Read(p, conn&maxNumber); v == Intact && !bytes.Equal(p, payload(l, s)) {
			t.Fatalf("%q is intact, and %q was sent", p, payload(l, s))
		}
	})
}

func BenchmarkParts(b *testing.B) {
	l := layout(b, 128)
	var buf [HeaderSize]byte
	b.ReportAllocs()
	for b.Loop() {
		l.Parts(&buf, stamps[3])
	}
}

func BenchmarkRead(b *testing.B) {
	l := layout(b, 128)
	p := payload(l, stamps[3])
	b.ReportAllocs()
	for b.Loop() {
		if _, v := l.Read(p, stamps[3].Conn); v != Intact {
			b.Fatal(v)
		}
	}
}

// Whoever does not know who sent a message reads it as well, and whole headers only.
func TestReadAny(t *testing.T) {
	l, err := New(HeaderSize+5, 3)
	if err != nil {
		t.Fatal(err)
	}
	want := Stamp{Conn: 123_456, Seq: 7, Due: time.Second, Sent: 2 * time.Second}
	var buf [HeaderSize]byte
	head, body := l.Parts(&buf, want)
	p := append(append([]byte(nil), head...), body...)
	if got, verdict := l.ReadAny(p); got != want || verdict != Intact {
		t.Errorf("%+v, %d", got, verdict)
	}
	for name, change := range map[string]struct {
		at   int
		want Verdict
	}{"connection": {5, BadHeader}, "check": {0, BadHeader}, "tag": {31, BadHeader}, "body": {HeaderSize, BadBody}} {
		q := append([]byte(nil), p...)
		q[change.at] ^= 1
		if _, verdict := l.ReadAny(q); verdict != change.want {
			t.Errorf("%s spoiled: %d", name, verdict)
		}
	}
	p[6] = '!'
	for _, q := range [][]byte{nil, p[:HeaderSize-1], p} {
		if _, verdict := l.ReadAny(q); verdict != BadHeader {
			t.Errorf("%q: %d", q, verdict)
		}
	}
}
