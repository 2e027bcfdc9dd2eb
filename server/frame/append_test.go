package frame_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"signalbench/server/engine"
	"signalbench/server/frame"
)

func opcode(op ws.OpCode) engine.Opcode { return engine.Opcode(op) }

func isFrame(event string) bool {
	for _, kind := range []string{"text", "binary", "ping", "pong"} {
		if strings.HasPrefix(event, kind+" ") {
			return true
		}
	}
	return false
}

func TestAppend(t *testing.T) {
	long := strings.Repeat("x", 200)
	euros := strings.Repeat("€", 60) // 180 bytes; 41 of them fit into 123
	for _, tt := range []struct {
		name string
		got  []byte
		want []byte
	}{
		// RFC 6455 section 5.7, the unmasked "Hello".
		{"example of the RFC", frame.AppendFrame(nil, engine.OpText, []byte("Hello")), fixture("1000 0001 0 0000101 'Hello'")},
		{"after other bytes", frame.AppendFrame([]byte("ab"), engine.OpBinary, nil), fixture("'ab' 1000 0010 0 0000000")},
		{"header 125", frame.AppendHeader(nil, engine.OpBinary, 125), fixture("1000 0010 0 1111101")},
		{"header 126", frame.AppendHeader(nil, engine.OpBinary, 126), fixture("1000 0010 0 1111110 x007e")},
		{"header 65535", frame.AppendHeader(nil, engine.OpBinary, 65535), fixture("1000 0010 0 1111110 xffff")},
		{"header 65536", frame.AppendHeader(nil, engine.OpBinary, 65536), fixture("1000 0010 0 1111111 x0000000000010000")},
		{"pong", frame.AppendFrame(nil, frame.OpPong, []byte("a")), fixture("1000 1010 0 0000001 'a'")},
		{"close", frame.AppendClose(nil, 1000, "bye"), fixture("1000 1000 0 0000101 x03e8 'bye'")},
		{"close 1005 has no body", frame.AppendClose(nil, engine.CloseNoStatus, "never"), fixture("1000 1000 0 0000000")},
		{"close 1006 has no body", frame.AppendClose(nil, engine.CloseAbnormal, ""), fixture("1000 1000 0 0000000")},
		{"close reason cut", frame.AppendClose(nil, 1001, long), join(fixture("1000 1000 0 1111101 x03e9"), []byte(long[:123]))},
		{"close reason cut between characters", frame.AppendClose(nil, 1001, "a"+euros), join(fixture("1000 1000 0 1111011 x03e9"), []byte("a"+euros[:120]))},
	} {
		if !bytes.Equal(tt.got, tt.want) {
			t.Errorf("%s: got %x, want %x", tt.name, tt.got, tt.want)
		}
	}
	if n := len(frame.AppendHeader(nil, engine.OpBinary, 1<<40)); n != frame.MaxHeaderLen {
		t.Errorf("MaxHeaderLen is %d, the longest header %d", frame.MaxHeaderLen, n)
	}
}
