package tlswire

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"signalbench/loadgen/internal/sock"
	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal notes what a transport tells.
type journal struct {
	connected, secured map[wire.Conn]bool
	data               map[wire.Conn][]byte
	ended              map[wire.Conn]results.Cause
}

func newJournal() *journal {
	return &journal{make(map[wire.Conn]bool), make(map[wire.Conn]bool), make(map[wire.Conn][]byte), make(map[wire.Conn]results.Cause)}
}

func (j *journal) Connected(c wire.Conn)                { j.connected[c] = true }
func (j *journal) Secured(c wire.Conn)                  { j.secured[c] = true }
func (j *journal) Between()                             {}
func (j *journal) Ended(c wire.Conn, why results.Cause) { j.ended[c] = why }
func (j *journal) Data(c wire.Conn, p []byte)           { j.data[c] = append(j.data[c], p...) }

func within(t *testing.T, w *Wire, j *journal, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !cond(); {
		if time.Now().After(end) {
			t.Fatalf("it did not come to that: %d connected, %d secured, ended %v", len(j.connected), len(j.secured), j.ended)
		}
		if err := w.Wait(100*time.Millisecond, j); err != nil {
			t.Fatal(err)
		}
	}
}

// listen serves raw connections, and hands out what a client needs to trust
// the server's certificate.
func listen(t *testing.T, handle func(c net.Conn, secure *tls.Config)) (netip.AddrPort, *tls.Config) {
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
	server := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { defer c.Close(); handle(c, server) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return l.Addr().(*net.TCPAddr).AddrPort(), &tls.Config{RootCAs: trust, ServerName: "127.0.0.1"}
}

func newWire(t *testing.T, conns int, config *tls.Config) *Wire {
	t.Helper()
	below, err := sock.New(conns, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := below.Begin(); err != nil {
		t.Fatal(err)
	}
	w := New(below, conns, config)
	t.Cleanup(w.Release)
	return w
}

func dial(t *testing.T, w *Wire, j *journal, c wire.Conn, to netip.AddrPort) {
	t.Helper()
	established, why := w.Dial(c, wire.Route{To: to}, nil)
	if why != "" {
		j.ended[c] = why
	}
	j.connected[c] = j.connected[c] || established
}

func echo(c net.Conn, secure *tls.Config) {
	s := tls.Server(c, secure)
	_, _ = io.Copy(s, s)
}

// slow hands a handshake's and every later octet on one at a time.
type slow struct{ net.Conn }

func (s slow) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := s.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func TestThereAndBack(t *testing.T) {
	for name, handle := range map[string]func(net.Conn, *tls.Config){
		"TLS 1.3":        echo,
		"TLS 1.2":        func(c net.Conn, s *tls.Config) { s = s.Clone(); s.MaxVersion = tls.VersionTLS12; echo(c, s) },
		"octet by octet": func(c net.Conn, s *tls.Config) { echo(slow{c}, s) },
	} {
		t.Run(name, func(t *testing.T) {
			to, config := listen(t, handle)
			w, j := newWire(t, 3, config), newJournal()
			for c := range wire.Conn(3) {
				dial(t, w, j, c, to)
			}
			within(t, w, j, func() bool { return len(j.secured) == 3 })
			big := bytes.Repeat([]byte("0123456789abcdef"), 200)
			for c := range wire.Conn(3) {
				if !j.connected[c] {
					t.Errorf("%d is secured and was never connected", c)
				}
				for _, p := range [][]byte{[]byte("a"), big, []byte("z")} {
					if why := w.Send(c, p); why != "" {
						t.Fatal(why)
					}
				}
			}
			within(t, w, j, func() bool { return len(j.data[0])+len(j.data[1])+len(j.data[2]) == 3*(len(big)+2) })
			for c := range wire.Conn(3) {
				if want := append(append([]byte("a"), big...), 'z'); !bytes.Equal(j.data[c], want) {
					t.Errorf("%d received something else", c)
				}
			}
			if len(j.ended) != 0 {
				t.Errorf("ended %v", j.ended)
			}
			w.Close(0, false)
			if why := w.Send(0, []byte("x")); why != results.CauseNoConn {
				t.Errorf("sent after close: %q", why)
			}
			dial(t, w, j, 0, to) // the number is used again
			delete(j.secured, 0)
			within(t, w, j, func() bool { return j.secured[0] })
		})
	}
}

func TestEnds(t *testing.T) {
	for _, tc := range []struct {
		name    string
		handle  func(net.Conn, *tls.Config)
		trust   bool
		secured bool
		want    results.Cause
	}{
		{"not trusted", echo, false, false, results.CauseTLS},
		{"no TLS", func(c net.Conn, _ *tls.Config) { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, true, false, results.CauseTLS},
		{"end in the handshake", func(c net.Conn, _ *tls.Config) { _, _ = c.Read(make([]byte, 2000)) }, true, false, results.CauseClosed},
		{"closed", func(c net.Conn, s *tls.Config) {
			k := tls.Server(c, s)
			_ = k.Handshake()
			_ = k.Close()
		}, true, true, results.CauseClosed},
		{"garbage later", func(c net.Conn, s *tls.Config) {
			k := tls.Server(c, s)
			_ = k.Handshake()
			_, _ = c.Write(bytes.Repeat([]byte{0x17, 3, 3, 0, 1}, 10))
		}, true, true, results.CauseProtocol},
	} {
		t.Run(tc.name, func(t *testing.T) {
			to, config := listen(t, tc.handle)
			if !tc.trust {
				config = &tls.Config{ServerName: "127.0.0.1"}
			}
			w, j := newWire(t, 1, config), newJournal()
			dial(t, w, j, 0, to)
			within(t, w, j, func() bool { return len(j.ended) > 0 })
			if j.ended[0] != tc.want || j.secured[0] != tc.secured {
				t.Errorf("ended with %q, secured %v; want %q, %v", j.ended[0], j.secured[0], tc.want, tc.secured)
			}
			if w.conns[0] != nil {
				t.Error("the connection is kept")
			}
		})
	}
}

// A handshake that is given up leaves nothing behind; TestMain looks.
func TestGivenUp(t *testing.T) {
	release := make(chan struct{})
	to, config := listen(t, func(net.Conn, *tls.Config) { <-release })
	w, j := newWire(t, 2, config), newJournal()
	dial(t, w, j, 0, to)
	dial(t, w, j, 1, to)
	within(t, w, j, func() bool { return len(j.connected) == 2 })
	w.Close(0, true)
	close(release)
}

// Who ends his side of TLS is still told what comes.
func TestFinish(t *testing.T) {
	got := make(chan error, 1)
	to, config := listen(t, func(c net.Conn, s *tls.Config) {
		k := tls.Server(c, s)
		p, err := io.ReadAll(k) // fails without a proper end
		if string(p) != "hello" {
			t.Errorf("%q came", p)
		}
		_, _ = k.Write([]byte("bye"))
		_ = k.Close()
		got <- err
	})
	w, j := newWire(t, 1, config), newJournal()
	if why := w.Finish(0); why != results.CauseNoConn {
		t.Errorf("finished before it was dialled: %q", why)
	}
	dial(t, w, j, 0, to)
	within(t, w, j, func() bool { return j.secured[0] })
	for _, why := range []results.Cause{w.Send(0, []byte("hello")), w.Finish(0)} {
		if why != "" {
			t.Fatal(why)
		}
	}
	within(t, w, j, func() bool { return len(j.ended) == 1 })
	if err := <-got; err != nil || string(j.data[0]) != "bye" || j.ended[0] != results.CauseClosed {
		t.Errorf("the server got %v, %q came back, ended by %q", err, j.data[0], j.ended[0])
	}
}
