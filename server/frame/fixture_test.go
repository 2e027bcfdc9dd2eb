package frame_test

import (
	"encoding/hex"
	"fmt"
	"strings"

	"signalbench/server/engine"
)

// A fixture is a frame drawn as RFC 6455 section 5.2 draws it: groups of bits,
// "xNN.." for hexadecimal bytes and "'...'" for ASCII. Blanks separate groups.
func fixture(s string) []byte {
	var out []byte
	var bits, n uint
	for _, g := range strings.Fields(s) {
		switch {
		case g[0] == 'x':
			b, err := hex.DecodeString(g[1:])
			if err != nil {
				panic(err)
			}
			out = append(out, b...)
		case g[0] == '\'':
			out = append(out, g[1:len(g)-1]...)
		default:
			for _, c := range g {
				bits, n = bits<<1|uint(c-'0'), n+1
				if n == 8 {
					out, bits, n = append(out, byte(bits)), 0, 0
				}
			}
		}
	}
	if n != 0 {
		panic("fixture ends inside a byte: " + s)
	}
	return out
}

// client builds a masked frame, the length in its shortest form.
func client(fin bool, op byte, payload string) []byte {
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b := []byte{op}
	if fin {
		b[0] |= 0x80
	}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 0xFFFF:
		b = append(b, 0x80|126, byte(n>>8), byte(n))
	default:
		b = append(b, 0x80|127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return b
}

func join(frames ...[]byte) []byte {
	var b []byte
	for _, f := range frames {
		b = append(b, f...)
	}
	return b
}

// log is a Sink that writes down what it is told.
type log struct{ events []string }

func (l *log) add(format string, a ...any) { l.events = append(l.events, fmt.Sprintf(format, a...)) }

func (l *log) Message(op engine.Opcode, p []byte) {
	l.add("%s %d %s", map[engine.Opcode]string{engine.OpText: "text", engine.OpBinary: "binary"}[op], len(p), brief(p))
}
func (l *log) Ping(p []byte) { l.add("ping %d %s", len(p), brief(p)) }
func (l *log) Pong(p []byte) { l.add("pong %d %s", len(p), brief(p)) }
func (l *log) Close(code engine.CloseCode, reason []byte) {
	l.add("close %d %s", code, brief(reason))
}

func brief(p []byte) string {
	if len(p) <= 24 {
		return fmt.Sprintf("%q", p)
	}
	var sum uint64 = 14695981039346656037 // FNV-1a
	for _, b := range p {
		sum = (sum ^ uint64(b)) * 1099511628211
	}
	return fmt.Sprintf("%q..#%x", p[:8], sum)
}
