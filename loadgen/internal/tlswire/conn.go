package tlswire

import (
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// conn is what a tls.Conn takes for its network connection.
type conn struct {
	w   *Wire
	tls *tls.Conn
	in  []byte // what has come and is not read yet; the transport's

	// The handshake. resume is nil when it is over.
	resume  func() (struct{}, bool)
	abandon func()
	yield   func(struct{}) bool
	err     error
}

// handshake is the coroutine.
func (k *conn) handshake(yield func(struct{}) bool) {
	k.yield = yield
	k.err = k.tls.Handshake()
	k.yield = nil
}

// later is a read without bytes. crypto/tls keeps an error for good unless it is
// temporary.
type later struct{}

func (later) Error() string   { return "no bytes yet" }
func (later) Timeout() bool   { return false }
func (later) Temporary() bool { return true }

var (
	errLater net.Error = later{}
	errGone            = errors.New("connection given up")
)

func (k *conn) Read(p []byte) (int, error) {
	for len(k.in) == 0 {
		if k.yield == nil {
			return 0, errLater
		}
		if !k.yield(struct{}{}) {
			return 0, errGone
		}
	}
	n := copy(p, k.in)
	k.in = k.in[n:]
	return n, nil
}

func (k *conn) Write(p []byte) (int, error) {
	k.w.out = append(k.w.out, p...)
	return len(p), nil
}

func (*conn) Close() error                     { return nil }
func (*conn) LocalAddr() net.Addr              { return nil }
func (*conn) RemoteAddr() net.Addr             { return nil }
func (*conn) SetDeadline(time.Time) error      { return nil }
func (*conn) SetReadDeadline(time.Time) error  { return nil }
func (*conn) SetWriteDeadline(time.Time) error { return nil }
