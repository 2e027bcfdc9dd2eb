package frame_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbench/server/engine"
	"signalbench/server/frame"
)

const limit = 70_000

// feed gives the stream to a fresh parser in the pieces that next asks for and
// returns what it said, its end included.
func feed(t testing.TB, stream []byte, maxMessage int, next func(left int) int) []string {
	t.Helper()
	var p frame.Parser
	l := new(log)
	rest := append([]byte(nil), stream...) // Feed writes to what it is given
	for len(rest) > 0 {
		n := next(len(rest))
		if err := p.Feed(rest[:n], maxMessage, l); err != nil {
			if !p.Idle() {
				t.Errorf("parser still holds memory after %v", err)
			}
			l.add("%s", end(err))
			return l.events
		}
		rest = rest[n:]
	}
	if !p.Idle() {
		l.add("unfinished")
		p.Release()
	}
	return l.events
}

func end(err error) string {
	var ce *engine.CloseError
	switch {
	case errors.Is(err, io.EOF):
		return "end"
	case errors.As(err, &ce):
		return fmt.Sprintf("fail %d", ce.Code)
	}
	return "unexpected " + err.Error()
}

func atOnce(left int) int { return left }
func byByte(int) int      { return 1 }

func TestParser(t *testing.T) {
	long := func(n int) string { return strings.Repeat("0123456789abcdef", n/16+1)[:n] }
	said := func(kind string, p string) string { return fmt.Sprintf("%s %d %s", kind, len(p), brief([]byte(p))) }
	tests := []struct {
		name   string
		stream []byte
		want   []string
	}{
		// RFC 6455 section 5.7, the masked "Hello".
		{"example of the RFC", fixture("1000 0001 1 0000101 x37fa213d x7f9f4d5158"), []string{`text 5 "Hello"`}},
		{"binary", client(true, 2, "\x00\xff"), []string{`binary 2 "\x00\xff"`}},
		{"empty text", fixture("1000 0001 1 0000000 x00000000"), []string{`text 0 ""`}},
		{"two frames in one piece", join(client(true, 1, "a"), client(true, 2, "b")), []string{`text 1 "a"`, `binary 1 "b"`}},

		// Section 5.2, payload length.
		{"125 bytes", client(true, 2, long(125)), []string{said("binary", long(125))}},
		{"126 bytes", client(true, 2, long(126)), []string{said("binary", long(126))}},
		{"65535 bytes", client(true, 2, long(65535)), []string{said("binary", long(65535))}},
		{"65536 bytes", client(true, 2, long(65536)), []string{said("binary", long(65536))}},
		{"125 bytes in 16 bits", fixture("1000 0010 1 1111110 x007d x00000000"), []string{"fail 1002"}},
		{"65535 bytes in 64 bits", fixture("1000 0010 1 1111111 x000000000000ffff x00000000"), []string{"fail 1002"}},
		{"64th bit of the length", fixture("1000 0010 1 1111111 x8000000000010000 x00000000"), []string{"fail 1002"}},

		// Section 5.2, reserved bits and opcodes.
		{"RSV1", fixture("1100 0001 1 0000000"), []string{"fail 1002"}},
		{"RSV2", fixture("1010 0001 1 0000000"), []string{"fail 1002"}},
		{"RSV3", fixture("1001 0001 1 0000000"), []string{"fail 1002"}},
		{"opcode 3", fixture("1000 0011 1 0000000"), []string{"fail 1002"}},
		{"opcode 7", fixture("1000 0111 1 0000000"), []string{"fail 1002"}},
		{"opcode 11", fixture("1000 1011 1 0000000"), []string{"fail 1002"}},
		{"opcode 15", fixture("1000 1111 1 0000000"), []string{"fail 1002"}},
		{"good frame, then a bad one", join(client(true, 1, "a"), fixture("1111 0001")), []string{`text 1 "a"`, "fail 1002"}},

		// Section 5.1, the mask.
		{"unmasked", fixture("1000 0001 0 0000101 'Hello'"), []string{"fail 1002"}},

		// Section 5.4, fragments.
		{"three fragments", join(client(false, 1, "a"), client(false, 0, "b"), client(true, 0, "c")), []string{`text 3 "abc"`}},
		{"empty fragments", join(client(false, 1, ""), client(false, 0, ""), client(true, 0, "")), []string{`text 0 ""`}},
		{"ping between fragments", join(client(false, 1, "a"), client(true, 9, "p"), client(true, 0, "c")), []string{`ping 1 "p"`, `text 2 "ac"`}},
		{"pong between fragments", join(client(false, 2, "a"), client(true, 10, ""), client(true, 0, "c")), []string{`pong 0 ""`, `binary 2 "ac"`}},
		{"close between fragments", join(client(false, 2, "a"), client(true, 8, "\x03\xe8")), []string{`close 1000 ""`, "end"}},
		{"continuation of nothing", client(true, 0, "a"), []string{"fail 1002"}},
		{"continuation after the end", join(client(true, 1, "a"), client(true, 0, "b")), []string{`text 1 "a"`, "fail 1002"}},
		{"message inside a message", join(client(false, 1, "a"), client(true, 1, "b")), []string{"fail 1002"}},

		// Section 5.5, control frames.
		{"ping of 125 bytes", client(true, 9, long(125)), []string{said("ping", long(125))}},
		{"ping of 126 bytes", client(true, 9, long(126)), []string{"fail 1002"}},
		{"ping in fragments", client(false, 9, "a"), []string{"fail 1002"}},
		{"close in fragments", client(false, 8, ""), []string{"fail 1002"}},

		// Sections 5.5.1 and 7.4, closing.
		{"close without a code", client(true, 8, ""), []string{`close 1005 ""`, "end"}},
		{"close with a reason", client(true, 8, "\x03\xe9bye"), []string{`close 1001 "bye"`, "end"}},
		{"bytes after close", join(client(true, 8, "\x03\xe8"), []byte{0xff}), []string{`close 1000 ""`, "end"}},
		{"close of one byte", client(true, 8, "\x03"), []string{"fail 1002"}},
		{"close 999", client(true, 8, "\x03\xe7"), []string{"fail 1002"}},
		{"close 1004", client(true, 8, "\x03\xec"), []string{"fail 1002"}},
		{"close 1005", client(true, 8, "\x03\xed"), []string{"fail 1002"}},
		{"close 1006", client(true, 8, "\x03\xee"), []string{"fail 1002"}},
		{"close 1015", client(true, 8, "\x03\xf7"), []string{"fail 1002"}},
		{"close 2999", client(true, 8, "\x0b\xb7"), []string{"fail 1002"}},
		{"close 3000", client(true, 8, "\x0b\xb8"), []string{`close 3000 ""`, "end"}},
		{"close 4999", client(true, 8, "\x13\x87"), []string{`close 4999 ""`, "end"}},
		{"close 5000", client(true, 8, "\x13\x88"), []string{"fail 1002"}},
		{"close reason not UTF-8", client(true, 8, "\x03\xe8\xff"), []string{"fail 1007"}},

		// Section 8.1, UTF-8.
		{"character over two fragments", join(client(false, 1, "\xe2\x82"), client(true, 0, "\xac")), []string{`text 3 "€"`}},
		{"ping inside a character", join(client(false, 1, "\xf0\x9f"), client(true, 9, "\xff"), client(true, 0, "\x98\x80")), []string{`ping 1 "\xff"`, `text 4 "😀"`}},
		{"binary is not looked at", client(true, 2, "\xff"), []string{`binary 1 "\xff"`}},
		{"lone continuation byte", client(true, 1, "\x80"), []string{"fail 1007"}},
		{"overlong", client(true, 1, "\xc0\xaf"), []string{"fail 1007"}},
		{"surrogate over two fragments", join(client(false, 1, "\xed"), client(true, 0, "\xa0\x80")), []string{"fail 1007"}},
		{"above U+10FFFF", client(true, 1, "\xf4\x90\x80\x80"), []string{"fail 1007"}},
		{"ends inside a character", client(true, 1, "\xe2\x82"), []string{"fail 1007"}},
		{"last fragment ends inside a character", join(client(false, 1, "a\xe2"), client(true, 0, "\x82")), []string{"fail 1007"}},
		{"empty last fragment leaves half a character", join(client(false, 1, "\xe2"), client(true, 0, "")), []string{"fail 1007"}},
		{"wrong in the first of many fragments", join(client(false, 1, "a\xff"), client(false, 0, "b")), []string{"fail 1007"}},

		// Config.MaxMessage, 1009.
		{"at the limit", client(true, 2, long(limit)), []string{said("binary", long(limit))}},
		{"over the limit", client(true, 2, long(limit+1)), []string{"fail 1009"}},
		{"over the limit by fragments", join(client(false, 2, long(limit)), client(true, 0, "x")), []string{"fail 1009"}},
		{"a declared terabyte", fixture("1000 0010 1 1111111 x0000010000000000 x00000000"), []string{"fail 1009"}},
		{"the largest length there is", fixture("1000 0010 1 1111111 x7fffffffffffffff x00000000"), []string{"fail 1009"}},

		// Ends that are none yet.
		{"half a header", fixture("1000 0001"), []string{"unfinished"}},
		{"half a payload", client(true, 1, "hello")[:8], []string{"unfinished"}},
		{"half a message", client(false, 1, "hello"), []string{"unfinished"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, feed(t, tt.stream, limit, atOnce)); diff != "" {
				t.Errorf("in one piece (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, feed(t, tt.stream, limit, byByte)); diff != "" {
				t.Errorf("byte by byte (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParserRefusesBeforeTheFrameIsWhole(t *testing.T) {
	for _, tt := range []struct {
		name string
		give []byte // the shortest beginning that shows it
		code engine.CloseCode
	}{
		{"reserved bit, 1 byte", []byte{0xc1}, 1002},
		{"no mask, 2 bytes", []byte{0x81, 0x05}, 1002},
		{"long ping, 2 bytes", []byte{0x89, 0xfe}, 1002},
		{"bad text in the middle of a frame", client(true, 1, "abc\xff"+strings.Repeat("x", 900))[:12], 1007},
		{"limit at the header", client(true, 2, strings.Repeat("x", 1001))[:8], 1009},
	} {
		for _, next := range []func(int) int{atOnce, byByte} {
			got := feed(t, tt.give, 1000, next)
			if want := []string{fmt.Sprintf("fail %d", tt.code)}; !cmp.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", tt.name, got, want)
			}
			if got := feed(t, tt.give[:len(tt.give)-1], 1000, next); len(got) > 0 && got[0] != "unfinished" {
				t.Errorf("%s: one byte less says %q", tt.name, got)
			}
		}
	}
}

func TestParserHoldsNothingBetweenMessages(t *testing.T) {
	var p frame.Parser
	stream := join(client(false, 1, "a"), client(true, 9, "p"), client(true, 0, "b"), client(true, 2, "c"))
	l := new(log)
	for i := range stream {
		if err := p.Feed(stream[i:i+1], limit, l); err != nil {
			t.Fatal(err)
		}
		if boundary := i == len(stream)-1 || i == len(stream)-len(client(true, 2, "c"))-1; p.Idle() != boundary {
			t.Errorf("after byte %d: idle is %v, want %v", i, p.Idle(), boundary)
		}
	}
	if want := []string{`ping 1 "p"`, `text 2 "ab"`, `binary 1 "c"`}; !cmp.Equal(l.events, want) {
		t.Errorf("got %q, want %q", l.events, want)
	}
}

// A stream of random frames must say the same however it is cut.
func TestParserAnyCut(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	text := strings.Repeat("aé€😀", 40)
	for range 300 {
		var stream []byte
		for range 1 + rnd.IntN(6) {
			switch rnd.IntN(3) {
			case 0:
				stream = append(stream, client(true, byte(9+rnd.IntN(2)), text[:rnd.IntN(125)])...)
			case 1:
				stream = append(stream, client(true, 2, text[:rnd.IntN(len(text))])...)
			default: // cut text anywhere, in characters too
				a := rnd.IntN(len(text))
				stream = append(stream, client(false, 1, text[:a])...)
				stream = append(stream, client(true, 0, text[a:])...)
			}
		}
		want := feed(t, stream, limit, atOnce)
		got := feed(t, stream, limit, func(left int) int { return 1 + rnd.IntN(min(left, 90)) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("stream %x (-at once +cut):\n%s", stream, diff)
		}
	}
}

type discard struct{}

func (discard) Message(engine.Opcode, []byte)  {}
func (discard) Ping([]byte)                    {}
func (discard) Pong([]byte)                    {}
func (discard) Close(engine.CloseCode, []byte) {}

func TestParserAllocatesNothing(t *testing.T) {
	whole := client(true, 1, strings.Repeat("x", 128))
	parts := join(client(false, 1, strings.Repeat("x", 64)), client(true, 9, "p"), client(true, 0, strings.Repeat("y", 64)))
	scratch := make([]byte, 1024)
	var p frame.Parser
	for _, tt := range []struct {
		name   string
		stream []byte
		cut    int
	}{{"whole", whole, len(whole)}, {"cut", whole, 50}, {"fragments", parts, 33}} {
		run := func() {
			for rest := scratch[:copy(scratch, tt.stream)]; len(rest) > 0; {
				n := min(tt.cut, len(rest))
				if err := p.Feed(rest[:n], limit, discard{}); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
		}
		// Pools may be emptied by a collection in between: less than one in ten.
		if n := testing.AllocsPerRun(1000, run); n >= 0.1 && !raceEnabled {
			t.Errorf("%s: %v allocations per message", tt.name, n)
		}
	}
}

func BenchmarkFeed(b *testing.B) {
	for _, tt := range []struct {
		name    string
		payload int
		cut     int // 0: whole
	}{{"128B", 128, 0}, {"128B-in-halves", 128, 70}, {"16KiB", 16 << 10, 0}, {"60KiB-in-4KiB", 60 << 10, 4 << 10}} {
		b.Run(tt.name, func(b *testing.B) {
			stream := client(true, 1, strings.Repeat("x", tt.payload))
			scratch := make([]byte, len(stream))
			cut := tt.cut
			if cut == 0 {
				cut = len(stream)
			}
			var p frame.Parser
			b.SetBytes(int64(tt.payload))
			b.ReportAllocs()
			for b.Loop() {
				copy(scratch, stream)
				for rest := scratch; len(rest) > 0; {
					n := min(cut, len(rest))
					if err := p.Feed(rest[:n], limit, discard{}); err != nil {
						b.Fatal(err)
					}
					rest = rest[n:]
				}
			}
		})
	}
}
