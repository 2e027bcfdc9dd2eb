package ladder

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/gobwas/ws"

	"signalbench/server/engine"
	"signalbench/server/upgrade"
)

// A Handshake is one way to answer an opening handshake, without sockets.
type Handshake struct {
	// Name is that of the benchmark.
	Name string
	// Do answers one request. The response is valid until the next call. It is for
	// one goroutine at a time.
	Do func() (response []byte, err error)
}

// handshakeRequest is the request of the case "base" of gobwas/ws's server_test.go
// as it dumps it: what a client must send, and nothing that browsers add.
const handshakeRequest = "GET / HTTP/1.1\r\nHost: example.org\r\nConnection: Upgrade\r\n" +
	"Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-Websocket-Version: 13\r\nUpgrade: websocket\r\n\r\n"

// Handshakes returns the handshakes that the article compares, and ours.
//
// The article (2017) gives 5156 ns, 8576 B and 9 allocations for an upgrade with
// net/http and 973 ns, 0 B and 0 allocations for the zero-copy one, and points at
// gobwas/ws, f9c54e121bd1, server_test.go, lines 397 to 464. Versions of that file
// from before and after agree in what they time:
//
//   - upgrade.nethttp, there BenchmarkUpgrader, later BenchmarkHTTPUpgrader: the
//     library's upgrade of a request that net/http has parsed before the clock
//     starts. Hijacking is a stub's, which hands out a pair of new buffers of 4 KiB:
//     they are most of the 8576 B.
//   - upgrade.zerocopy, there BenchmarkConnUpgrader, later BenchmarkUpgrader: the
//     library reads the request from memory, parsing included, and writes the response.
//     With today's Go it makes one allocation of 32 B, in every version of the library:
//     bufio.Writer.WriteString may hand a string on to the writer below, so the 28
//     bytes of the accept key are no longer kept on the stack.
//
// So the published pair leaves parsing out on one side alone. upgrade.nethttp-read is
// upgrade.nethttp with http.ReadRequest, which makes up for it; a server of net/http
// does more still. upgrade.ours is package upgrade's: the zero-copy one with where the
// request ends, a well-formed key, the origin and the handler's decision.
//
// Theirs ran on all processors at once (testing.B.RunParallel), these are for one
// goroutine.
func Handshakes() []Handshake {
	w := &wire{}
	upgradeHTTP := func(r *http.Request) ([]byte, error) {
		w.in, w.out = w.in[:0], w.out[:0]
		_, _, _, err := ws.HTTPUpgrader{}.Upgrade(r, w)
		return w.out, err
	}
	parsed, parseErr := http.ReadRequest(bufio.NewReader(bytes.NewReader([]byte(handshakeRequest))))
	request := []byte(handshakeRequest)
	var source bytes.Reader
	reader := bufio.NewReaderSize(&source, ioBytes)
	cfg := engine.DefaultConfig()
	remote := &net.TCPAddr{}
	var response []byte
	return []Handshake{
		{"upgrade.nethttp", func() ([]byte, error) {
			if parseErr != nil {
				return nil, parseErr
			}
			return upgradeHTTP(parsed)
		}},
		{"upgrade.nethttp-read", func() ([]byte, error) {
			source.Reset(request)
			reader.Reset(&source)
			r, err := http.ReadRequest(reader)
			if err != nil {
				return nil, err
			}
			return upgradeHTTP(r)
		}},
		{"upgrade.zerocopy", func() ([]byte, error) {
			w.in, w.out = request, w.out[:0]
			_, err := ws.Upgrader{}.Upgrade(w)
			return w.out, err
		}},
		{"upgrade.ours", func() (_ []byte, err error) {
			end := upgrade.End(request)
			if end == 0 {
				return nil, fmt.Errorf("the request has no end")
			}
			response, _, err = upgrade.Do(response[:0], request[:end], remote, &cfg, welcome{})
			return response, err
		}},
	}
}

// A welcome is a handler that lets every handshake go on.
type welcome struct{ engine.Handler }

// Accept implements [engine.Handler].
func (welcome) Accept(*engine.Request) error { return nil }

// A wire is a connection in memory, and an http.ResponseWriter that gives it away.
type wire struct {
	net.Conn // nil: what is used is below
	in, out  []byte
}

func (w *wire) Read(p []byte) (int, error) {
	n := copy(p, w.in)
	w.in = w.in[n:]
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

func (w *wire) SetDeadline(time.Time) error { return nil }
func (w *wire) Header() http.Header         { return http.Header{} }
func (w *wire) WriteHeader(int)             {}

// Hijack implements [http.Hijacker]. The pair is new each time, as it is for every
// connection that keeps it.
func (w *wire) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w, bufio.NewReadWriter(bufio.NewReaderSize(w, ioBytes), bufio.NewWriterSize(w, ioBytes)), nil
}
