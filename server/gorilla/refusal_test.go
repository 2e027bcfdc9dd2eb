package gorilla

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"

	"github.com/gorilla/websocket"

	"signalbench/server/engine"
)

// handover is a response writer that gives away its connection.
type handover struct{ c net.Conn }

func (h handover) Header() http.Header         { return http.Header{} }
func (h handover) Write(p []byte) (int, error) { return h.c.Write(p) }
func (h handover) WriteHeader(int)             {}
func (h handover) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.c, bufio.NewReadWriter(bufio.NewReader(h.c), bufio.NewWriter(h.c)), nil
}

func upgradeRequest() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/echo", nil)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-Websocket-Version": "13", "Sec-Websocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	} {
		r.Header.Set(name, value)
	}
	return r
}

// The library tells a protocol error from an error of the socket by its text
// alone, so what it returns is pinned here.
func TestRefusalOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sent []byte // to a connection with a limit of 10 B
		code engine.CloseCode
	}{
		{[]byte{0xc1, 0x80, 0, 0, 0, 0}, engine.CloseProtocolError},
		{[]byte{0x83, 0x80, 0, 0, 0, 0}, engine.CloseProtocolError},
		{[]byte{0x81, 0x00}, engine.CloseProtocolError},
		{[]byte{0x80, 0x80, 0, 0, 0, 0}, engine.CloseProtocolError},
		{[]byte{0x88, 0x82, 0, 0, 0, 0, 0, 0}, engine.CloseProtocolError},
		{[]byte{0x82, 0x8b, 0, 0, 0, 0}, engine.CloseTooBig},
		{[]byte{0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, engine.CloseTooBig},
		{[]byte{0x82}, 0},                   // the stream ends
		{[]byte{0x88, 0x80, 0, 0, 0, 0}, 0}, // a goodbye
	} {
		ours, theirs := net.Pipe()
		go func() {
			go io.Copy(io.Discard, theirs)
			theirs.Write(tt.sent)
			theirs.Close()
		}()
		ws, err := new(websocket.Upgrader).Upgrade(handover{ours}, upgradeRequest(), nil)
		if err != nil {
			t.Fatal(err)
		}
		ws.SetReadLimit(10)
		_, _, err = ws.ReadMessage()
		got := refusalOf(err)
		if (got != nil) != (tt.code != 0) || got != nil && got.Code != tt.code {
			t.Errorf("% x is %q, which stands for %v, want code %d", tt.sent, err, got, tt.code)
		}
		ours.Close()
	}
	for _, err := range []error{
		io.EOF,
		os.ErrDeadlineExceeded,
		&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)},
		&websocket.CloseError{Code: websocket.CloseAbnormalClosure},
	} {
		if got := refusalOf(err); got != nil {
			t.Errorf("%v stands for %v", err, got)
		}
	}
}
