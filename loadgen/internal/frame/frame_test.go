package frame

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/gobwas/ws"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   []byte
		want Header
		size int
		err  error
	}{
		{"nothing", nil, Header{}, 0, nil},
		{"half", []byte{0x81}, Header{}, 0, nil},
		{"empty text", []byte{0x81, 0}, Header{true, Text, 0}, 2, nil},
		{"first fragment", []byte{0x02, 5, 'x'}, Header{false, Binary, 5}, 2, nil},
		{"125", []byte{0x82, 125}, Header{true, Binary, 125}, 2, nil},
		{"126", []byte{0x82, 126, 0, 126}, Header{true, Binary, 126}, 4, nil},
		{"65536", []byte{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}, Header{true, Binary, 65536}, 10, nil},
		{"16-bit length cut", []byte{0x82, 126, 0}, Header{true, Binary, 0}, 0, nil},
		{"64-bit length cut", []byte{0x82, 127, 0, 0, 0, 0, 0, 1, 0}, Header{true, Binary, 0}, 0, nil},
		{"ping", []byte{0x89, 3}, Header{true, Ping, 3}, 2, nil},

		{"masked", []byte{0x81, 0x80}, Header{}, 0, ErrMasked},
		{"RSV1", []byte{0xC1, 0}, Header{}, 0, ErrReserved},
		{"RSV3", []byte{0x91, 0}, Header{}, 0, ErrReserved},
		{"opcode 3", []byte{0x83, 0}, Header{}, 0, ErrOpcode},
		{"opcode 11", []byte{0x8B, 0}, Header{}, 0, ErrOpcode},
		{"ping in fragments", []byte{0x09, 0}, Header{}, 0, ErrControl},
		{"ping of 126", []byte{0x89, 126, 0, 126}, Header{}, 0, ErrControl},
		{"125 in 16 bits", []byte{0x82, 126, 0, 125}, Header{}, 0, ErrLength},
		{"65535 in 64 bits", []byte{0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, Header{}, 0, ErrLength},
		{"top bit of the length", []byte{0x82, 127, 0x80, 0, 0, 0, 0, 1, 0, 0}, Header{}, 0, ErrLength},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, n, err := Parse(tc.in)
			if n != tc.size || !errors.Is(err, tc.err) {
				t.Fatalf("size %d, %v; want %d, %v", n, err, tc.size, tc.err)
			}
			if n > 0 && h != tc.want {
				t.Errorf("%+v; want %+v", h, tc.want)
			}
		})
	}
}

func TestParseClose(t *testing.T) {
	for _, tc := range []struct {
		in   string
		code Code
		bad  bool
	}{
		{"", NoStatus, false}, {"\x03\xe8", 1000, false}, {"\x03\xe9bye", 1001, false}, {"\x0f\xa0", 4000, false},
		{"\x03", 0, true}, {"\x03\xed", 1005, true}, {"\x00\x00", 0, true}, {"\x13\x88", 5000, true}, {"\x03\xe8\xff", 1000, true},
	} {
		code, err := ParseClose([]byte(tc.in))
		if (err != nil) != tc.bad || code != tc.code {
			t.Errorf("%q: %d, %v", tc.in, code, err)
		}
	}
}

// What Append writes, an independent implementation reads back.
func TestAppendIsReadByAnother(t *testing.T) {
	payload := bytes.Repeat([]byte("0123456789abcdefg"), 5000)
	for _, n := range []int{0, 1, 7, 8, 31, 125, 126, 127, 65535, 65536, 70001} {
		for cut := 0; cut <= min(n, 9); cut++ {
			wire := Append([]byte("before"), Text, 0xA1B2C3D4, payload[:cut], payload[cut:n])
			r := bytes.NewReader(wire[len("before"):])
			h, err := ws.ReadHeader(r)
			if err != nil {
				t.Fatalf("%d octets cut at %d: %v", n, cut, err)
			}
			if !h.Masked || !h.Fin || h.OpCode != ws.OpText || h.Length != int64(n) || h.Mask != [4]byte{0xD4, 0xC3, 0xB2, 0xA1} {
				t.Fatalf("header %+v", h)
			}
			got := wire[len(wire)-r.Len():]
			if ws.Cipher(got, h.Mask, 0); !bytes.Equal(got, payload[:n]) {
				t.Fatalf("%d octets cut at %d: payload differs", n, cut)
			}
		}
	}
}

// Parse agrees with an independent implementation on every header that it
// takes, and never reads past its input.
func FuzzParse(f *testing.F) {
	f.Add([]byte{0x81, 5, 'h', 'e', 'l', 'l', 'o'})
	f.Add([]byte{0x82, 126, 1, 0})
	f.Add([]byte{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0})
	f.Add([]byte{0x89, 0x80, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, p []byte) {
		h, n, err := Parse(p)
		other, otherErr := ws.ReadHeader(bytes.NewReader(p))
		switch {
		case err != nil:
			// The other takes lengths that are not in their shortest form, and
			// leaves masks to its caller.
			lax := errors.Is(err, ErrLength) || errors.Is(err, ErrMasked) || errors.Is(err, ErrControl) && p[1]&0x7F > 125
			if otherErr == nil && ws.CheckHeader(other, ws.StateClientSide) == nil && !lax {
				t.Fatalf("% x refused with %v, and is fine", p, err)
			}
		case n == 0:
			if otherErr == nil {
				t.Fatalf("% x is complete", p)
			}
		default:
			if otherErr != nil && otherErr != io.EOF {
				t.Fatalf("% x taken as %+v, not by the other: %v", p, h, otherErr)
			}
			if uint64(other.Length) != h.Length || byte(other.OpCode) != byte(h.Opcode) || other.Fin != h.Final {
				t.Fatalf("% x is %+v; the other says %+v", p, h, other)
			}
			for cut := range n {
				if _, m, err := Parse(p[:cut]); m != 0 || err != nil {
					t.Fatalf("% x: complete or wrong after %d of %d octets: %v", p, cut, n, err)
				}
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 128)
	var dst []byte
	b.SetBytes(128)
	b.ReportAllocs()
	for b.Loop() {
		dst = Append(dst[:0], Text, 0x12345678, payload[:32], payload[32:])
	}
}

func BenchmarkParse(b *testing.B) {
	p := []byte{0x81, 126, 0, 128}
	b.ReportAllocs()
	for b.Loop() {
		if _, n, _ := Parse(p); n != 4 {
			b.Fatal(n)
		}
	}
}
