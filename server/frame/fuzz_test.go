package frame_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"signalbench/server/frame"
)

func seeds(f *testing.F) {
	for _, s := range [][]byte{
		client(true, 1, "hello"),
		client(true, 2, string(make([]byte, 300))),
		join(client(false, 1, "\xe2\x82"), client(true, 9, "p"), client(true, 0, "\xac")),
		join(client(true, 1, "a"), client(true, 8, "\x03\xe8bye")),
		fixture("1000 0010 1 1111111 x0000010000000000 x00000000"),
		fixture("1000 0001 0 0000101 'Hello'"),
	} {
		f.Add(s, uint8(3))
	}
}

// FuzzParserCut: what a stream says does not depend on how it was cut.
func FuzzParserCut(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, stream []byte, piece uint8) {
		want := feed(t, stream, 1000, atOnce)
		if diff := cmp.Diff(want, feed(t, stream, 1000, byByte)); diff != "" {
			t.Errorf("byte by byte differs (-at once +bytes):\n%s", diff)
		}
		n := int(piece) + 1
		if diff := cmp.Diff(want, feed(t, stream, 1000, func(left int) int { return min(n, left) })); diff != "" {
			t.Errorf("pieces of %d differ (-at once +pieces):\n%s", n, diff)
		}
	})
}

// FuzzParserGobwas: a stream read with gobwas/ws frame by frame says what the
// parser says, up to the first frame that gobwas' own checks refuse.
func FuzzParserGobwas(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, stream []byte, _ uint8) {
		const maxMessage = 1000
		got := feed(t, stream, maxMessage, atOnce)
		want := new(log)
		r := bytes.NewReader(stream)
		state := ws.StateServerSide
		var open ws.OpCode
		var msg []byte
		for r.Len() > 0 {
			at := len(stream) - r.Len()
			h, err := ws.ReadHeader(r)
			if err != nil {
				break // cut off, or a length over 63 bits
			}
			if ws.CheckHeader(h, state) != nil || h.Length > maxMessage || h.Length > int64(r.Len()) ||
				int64(ws.HeaderSize(h)) != int64(len(stream)-r.Len()-at) { // a longer length than needed
				break
			}
			p := make([]byte, h.Length)
			r.Read(p)
			ws.Cipher(p, h.Mask, 0)
			switch {
			case h.OpCode == ws.OpPing:
				want.Ping(p)
				continue
			case h.OpCode == ws.OpPong:
				want.Pong(p)
				continue
			case h.OpCode == ws.OpClose:
				r.Reset(nil)
				continue
			case h.OpCode != ws.OpContinuation:
				open, msg = h.OpCode, nil
			}
			if msg = append(msg, p...); len(msg) > maxMessage {
				break
			}
			if state = state.Set(ws.StateFragmented); h.Fin {
				state = state.Clear(ws.StateFragmented)
				if open == ws.OpText && !bytes.Equal(bytes.ToValidUTF8(msg, nil), msg) {
					r.Reset(nil)
					continue
				}
				want.Message(opcode(open), msg)
			}
		}
		// The parser may fail a message earlier (text, limit), never say
		// something else or more.
		n := len(got)
		for n > 0 && !isFrame(got[n-1]) {
			n--
		}
		if diff := cmp.Diff(want.events[:min(n, len(want.events))], got[:n], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("stream %x (-gobwas +parser):\n%s", stream, diff)
		}
		if n < len(want.events) && (len(got) == n || got[n] == "unfinished") {
			t.Errorf("stream %x: parser went silent after %q, gobwas says %q", stream, got, want.events)
		}
	})
}

// FuzzAppend: what the server writes, gobwas reads as the same frame.
func FuzzAppend(f *testing.F) {
	f.Add([]byte("hello"), true)
	f.Add(make([]byte, 126), false)
	f.Add(make([]byte, 65536), false)
	f.Fuzz(func(t *testing.T, p []byte, text bool) {
		op := opcode(ws.OpBinary)
		if text {
			op = opcode(ws.OpText)
		}
		r := bytes.NewReader(frame.AppendFrame(nil, op, p))
		h, err := ws.ReadHeader(r)
		if err != nil {
			t.Fatal(err)
		}
		payload, _ := io.ReadAll(r)
		if !h.Fin || h.Masked || h.Rsv != 0 || byte(h.OpCode) != byte(op) || h.Length != int64(len(p)) || !bytes.Equal(payload, p) {
			t.Errorf("%d bytes come back as %+v", len(p), h)
		}
		if want := ws.HeaderSize(h); len(frame.AppendHeader(nil, op, len(p))) != want {
			t.Errorf("header of %d bytes, want %d", len(frame.AppendHeader(nil, op, len(p))), want)
		}
	})
}
