package trial

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"signalbench/loadgen/internal/target"
	"signalbench/loadgen/internal/wire/wiretest"
	"signalbench/loadgen/internal/workload"
)

// server is an echo server with a goroutine for each connection.
type server struct {
	l        net.Listener
	secure   *tls.Config // its certificate is trusted by client
	client   *tls.Config
	all      sync.WaitGroup
	mu       sync.Mutex
	conns    map[net.Conn]bool
	accepted atomic.Int64
	closed   atomic.Int64 // by a closing handshake
	// raw, if not nil, is all that happens on a connection: no WebSocket.
	raw func(conn net.Conn)
	// answer, if not nil, decides what becomes of a message.
	answer func(conn net.Conn, f ws.Frame)
	// closing, if not nil, is called when a connection is at its end.
	closing func(conn net.Conn)
	// upgraded is called for each connection.
	upgraded func(n int64)
	// upgrading is called before each answer to an opening handshake.
	upgrading func(n int64)
	asked     atomic.Int64
	// subscribed, if not nil, is told the path of each connection that is upgraded.
	subscribed func(conn net.Conn, path string)
}

func serve(t *testing.T, secure bool, change func(*server)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{l: l, conns: make(map[net.Conn]bool)}
	if secure {
		s.secure, s.client = certificate(t)
		s.l = tls.NewListener(l, s.secure)
	}
	if change != nil {
		change(s)
	}
	s.all.Go(func() { s.accept(s.l) })
	t.Cleanup(func() { s.die(); s.all.Wait() })
	return s
}

func (s *server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.mu.Unlock()
		s.all.Go(func() { s.talk(c) })
	}
}

// die ends the server as a crash would.
func (s *server) die() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.l.Close()
	for c := range s.conns {
		c.Close()
	}
}

func (s *server) talk(c net.Conn) {
	defer func() {
		if s.closing != nil {
			s.closing(c)
		}
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	if s.raw != nil {
		s.raw(c)
		return
	}
	if n := s.asked.Add(1); s.upgrading != nil {
		s.upgrading(n)
	}
	buffered := bufio.NewReader(c)
	stream := struct {
		io.Reader
		io.Writer
	}{buffered, c}
	var path string
	u := ws.Upgrader{OnRequest: func(uri []byte) error { path = string(uri); return nil }}
	if _, err := u.Upgrade(stream); err != nil {
		return
	}
	if s.subscribed != nil {
		s.subscribed(c, path)
	}
	if n := s.accepted.Add(1); s.upgraded != nil {
		s.upgraded(n)
	}
	for {
		f, err := wiretest.ReadFrame(buffered)
		if err != nil {
			return
		}
		f = ws.UnmaskFrameInPlace(f)
		switch {
		case f.Header.OpCode == ws.OpClose:
			s.closed.Add(1) // before the client can know
			_ = ws.WriteFrame(c, ws.NewCloseFrame(f.Payload))
			return
		case s.answer != nil:
			s.answer(c, f)
		default:
			s.reply(c, f)
		}
	}
}

// reply answers a message with itself, and a ping with a pong.
func (s *server) reply(c net.Conn, f ws.Frame) {
	op := f.Header.OpCode
	if op == ws.OpPing {
		op = ws.OpPong
	}
	_, _ = c.Write(ws.MustCompileFrame(ws.NewFrame(op, true, f.Payload)))
}

// url is where the server listens.
func (s *server) url() string {
	scheme := "ws"
	if s.secure != nil {
		scheme = "wss"
	}
	return scheme + "://" + s.l.Addr().String() + "/echo"
}

// plan is a short run against the server.
func (s *server) plan(t *testing.T, workloads ...string) *Plan {
	t.Helper()
	tg, err := target.Resolve(context.Background(), []string{s.url()}, "")
	if err != nil {
		t.Fatal(err)
	}
	return &Plan{
		Command: []string{"loadgen", "test"}, Target: tg, TLS: s.client, Workloads: workloads,
		Conns: 20, Plateaus: 1, Ramp: 2000, Pending: 8, Lanes: 2, Groups: 1, Payload: 128, Rate: 500, InFlight: 10,
		Lifetimes: workload.Lifetimes{Mean: 100 * time.Millisecond},
		Settle:    time.Millisecond, WarmUp: 100 * time.Millisecond, Window: 300 * time.Millisecond, Drain: time.Second, DialTimeout: 5 * time.Second,
		Out: t.TempDir() + "/out",
	}
}

// certificate makes one for 127.0.0.1, and a client that trusts it.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trust := x509.NewCertPool()
	trust.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: trust, ServerName: "127.0.0.1"}
}
