package enginetest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestFrameExamples writes the client's frames of RFC 6455 section 5.7.
func TestFrameExamples(t *testing.T) {
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	for _, v := range []struct {
		what string
		f    frame
		want string
	}{
		{"a single-frame masked text message", frame{op: opText, mask: key, payload: []byte("Hello")},
			"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"},
		{"a single-frame unmasked text message", frame{op: opText, unmasked: true, payload: []byte("Hello")},
			"\x81\x05Hello"},
		{"the first fragment", frame{op: opText, unmasked: true, payload: []byte("Hel")}.first(), "\x01\x03Hel"},
		{"the last fragment", frame{unmasked: true, payload: []byte("lo")}, "\x80\x02lo"},
		{"a masked pong", frame{op: opPong, mask: key, payload: []byte("Hello")},
			"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"},
		{"256 bytes", frame{op: opBinary, unmasked: true, payload: make([]byte, 256)}, "\x82\x7e\x01\x00" + strings.Repeat("\x00", 256)},
		{"64 KiB", frame{op: opBinary, unmasked: true, payload: make([]byte, 65536)},
			"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + strings.Repeat("\x00", 65536)},
		{"a length that lies", frame{op: opBinary, unmasked: true, declare: 1 << 40}, "\x82\x7f\x00\x00\x01\x00\x00\x00\x00\x00"},
		{"a length in more bytes than needed", frame{op: opText, unmasked: true, form: in16bits, payload: []byte("a")}, "\x81\x7e\x00\x01a"},
		{"reserved bits", frame{op: 0xf, rsv: 7, unmasked: true}, "\xff\x00"},
	} {
		if got := string(wire(v.f)); got != v.want {
			t.Errorf("%s: wrote %q, want %q", v.what, got, v.want)
		}
	}
}

// TestAcceptExample is the example of RFC 6455 section 1.3.
func TestAcceptExample(t *testing.T) {
	if got, want := acceptOf("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; got != want {
		t.Errorf("Accept %q, want %q", got, want)
	}
}

// TestReadFrame lists what the kit does not let a server send.
func TestReadFrame(t *testing.T) {
	for _, v := range []struct{ what, sent, want string }{
		{"a masked frame", "\x81\x81abcd!", "masked"},
		{"a reserved bit", "\xc1\x01a", "reserved bits 100"},
		{"a reserved opcode", "\x83\x00", "reserved opcode 3"},
		{"16 bits for 125", "\x81\x7e\x00\x7d" + strings.Repeat("a", 125), "more bytes than needed"},
		{"64 bits for 65535", "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", "more bytes than needed"},
		{"a ping of 126", "\x89\x7e\x00\x7e" + strings.Repeat("a", 126), "payload of 126 B"},
		{"half a ping", "\x09\x00", "is a fragment"},
		{"a terabyte", "\x82\x7f\x00\x00\x01\x00\x00\x00\x00\x00", "announced"},
	} {
		_, err := readFrame(strings.NewReader(v.sent))
		if _, ok := errors.AsType[violationError](err); !ok || !strings.Contains(err.Error(), v.want) {
			t.Errorf("%s: got %v, want a violation that says %q", v.what, err, v.want)
		}
	}
	for _, cut := range []string{"\x81", "\x81\x05Hell", "\x82\x7e\x01"} {
		if _, err := readFrame(strings.NewReader(cut)); err != io.ErrUnexpectedEOF {
			t.Errorf("%q: got %v, want %v", cut, err, io.ErrUnexpectedEOF)
		}
	}
	if _, err := readFrame(strings.NewReader("")); err != io.EOF {
		t.Errorf("nothing: got %v, want %v", err, io.EOF)
	}
}

// FuzzReadFrame holds that what is read is what was written.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("\x81\x05Hello"))
	f.Add([]byte("\x88\x02\x03\xe8"))
	f.Add([]byte("\x82\x7e\x01\x00"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		r := bytes.NewReader(sent)
		got, err := readFrame(r)
		if err != nil {
			return
		}
		if again := wire(got); !bytes.Equal(again, sent[:len(sent)-r.Len()]) {
			t.Errorf("read %v from %q, which is written %q", got, sent, again)
		}
	})
}
