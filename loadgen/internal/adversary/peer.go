package adversary

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/handshake"
	"signalbench/loadgen/internal/stamp"
	"signalbench/results"
)

// slowBuffer is what the kernel is asked to keep of what a slow reader does not
// read, in bytes; it takes at least twice its own minimum (socket(7), SO_RCVBUF).
const slowBuffer = 4 << 10

// slowSegment is the largest segment that a slow reader takes, as over Ethernet
// (tcp(7), TCP_MAXSEG). The other kernel keeps what is unsent for at least ten
// segments of twice that size (tcp_sndbuf_expand in net/ipv4/tcp_input.c), which
// with the 64 KiB of loopback is 2.6 MB for each connection: no server would
// notice a slow reader within the time of a run.
const slowSegment = 1440

// peer is one connection of an adversary.
type peer struct {
	net.Conn
	in      *bufio.Reader
	request handshake.Request
	number  uint32 // in place of a connection's, and beyond all of those
	tally   *tally
	random  *rand.Rand
	out     []byte
}

// source is where adversaries come from over loopback: no address of a lane's, so
// that they take no ports from healthy connections and limits for each address of a
// server tell them apart.
var source = net.TCPAddr{IP: net.IPv4(127, 240, 0, 1)}

// firstNumber is beyond the number of any connection of the run, see
// [stamp.MaxSeq].
const firstNumber = stamp.MaxSeq + 1

// connect makes a connection for adversary i.
func (c *Crowd) connect(ctx context.Context, i int, t *tally, random *rand.Rand) (*peer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.DialTimeout)
	defer cancel()
	addrs := c.Target.Addrs()
	to := addrs[i%len(addrs)]
	d := net.Dialer{KeepAlive: -1, Control: func(_, _ string, raw syscall.RawConn) error { return t.prepare(raw, to) }}
	d.SetMultipathTCP(false)
	if to.Addr().IsLoopback() && to.Addr().Is4() {
		d.LocalAddr = &source
	}
	conn, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	// Its end is a reset, which leaves nothing in TIME_WAIT.
	_ = conn.(*net.TCPConn).SetLinger(0)
	p := &peer{Conn: conn, request: c.Target.Request(uint32(i % len(addrs))), number: firstNumber + uint32(i), tally: t, random: random}
	if c.Target.TLS {
		secure := tls.Client(conn, c.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(errTLS, err, conn.Close())
		}
		p.Conn = secure
	}
	p.in = bufio.NewReader(p.Conn)
	return p, nil
}

// prepare sets what must be set before a socket connects.
func (t *tally) prepare(raw syscall.RawConn, to netip.AddrPort) (failed error) {
	err := raw.Control(func(fd uintptr) {
		if t.Kind == SlowReader {
			failed = errors.Join(
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, slowBuffer),
				unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, slowSegment))
		}
		if to.Addr().Is4() {
			failed = errors.Join(failed, unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1))
		}
	})
	return errors.Join(err, failed)
}

// Write counts what is sent.
func (p *peer) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(b)
	p.tally.sent.Add(uint64(n))
	return n, err
}

// opening is a whole opening handshake.
func (p *peer) opening(accept *handshake.Accept) []byte {
	var nonce [handshake.KeySize]byte
	binary.LittleEndian.PutUint64(nonce[:], p.random.Uint64())
	binary.LittleEndian.PutUint64(nonce[8:], p.random.Uint64())
	return p.request.Append(nil, p.number, &nonce, accept)
}

// upgrade makes it a WebSocket.
func (p *peer) upgrade(timeout time.Duration) error {
	_ = p.SetDeadline(time.Now().Add(timeout))
	var accept handshake.Accept
	if _, err := p.Write(p.opening(&accept)); err != nil {
		return err
	}
	var head []byte
	for seen := 0; ; seen = len(head) {
		line, err := p.in.ReadSlice('\n')
		head = append(head, line...)
		if err != nil {
			return err
		}
		end, err := handshake.End(head, seen)
		if err != nil {
			return err
		}
		if end > 0 {
			break
		}
	}
	if err := handshake.Check(head, &accept); err != nil {
		return err
	}
	return p.SetDeadline(time.Time{})
}

// key is random, if no secret (RFC 6455 section 10.3 protects proxies, of which
// there are none here).
func (p *peer) key() frame.Key { return frame.Key(p.random.Uint32()) }

// text sends a text message.
func (p *peer) text(b []byte) error { return p.send(frame.Text, b) }

func (p *peer) send(op frame.Opcode, b []byte) error {
	p.out = frame.Append(p.out[:0], op, p.key(), nil, b)
	_, err := p.Write(p.out)
	return err
}

// An ended is a close frame of the server.
type ended struct{ code frame.Code }

func (e ended) Error() string { return fmt.Sprintf("closed with %d", e.code) }

// drain reads and forgets what comes until the connection ends, and says how: by a
// close frame, if there was one.
func (p *peer) drain() error {
	for {
		h, err := p.header()
		if err != nil {
			return err
		}
		if h.Opcode == frame.Close {
			body := make([]byte, h.Length)
			if _, err := io.ReadFull(p.in, body); err != nil {
				return err
			}
			code, err := frame.ParseClose(body)
			if err != nil {
				return err
			}
			return ended{code}
		}
		if _, err := io.CopyN(io.Discard, p.in, int64(h.Length)); err != nil {
			return err
		}
	}
}

// header reads that of a frame.
func (p *peer) header() (frame.Header, error) {
	for n := 2; ; n++ {
		b, err := p.in.Peek(n)
		if err != nil {
			return frame.Header{}, err
		}
		h, size, err := frame.Parse(b)
		if size == 0 && err == nil {
			continue
		}
		if err == nil {
			_, err = p.in.Discard(size)
		}
		return h, err
	}
}

var errTLS = errors.New("TLS handshake failed")

// cause tells apart how a connection ended.
func cause(err error) results.Cause {
	var code ended
	var status *handshake.StatusError
	var timeout net.Error
	switch {
	case errors.As(err, &code):
		return results.Cause(code.Error())
	case errors.As(err, &status):
		return results.Cause(fmt.Sprintf("HTTP status %d", status.Code))
	case errors.Is(err, errTLS):
		return results.CauseTLS
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return results.CauseClosed
	case errors.Is(err, unix.ECONNREFUSED):
		return results.CauseRefused
	case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNABORTED):
		return results.CauseReset
	case errors.Is(err, unix.EADDRNOTAVAIL), errors.Is(err, unix.EADDRINUSE):
		return results.CauseNoAddress
	case errors.Is(err, unix.EMFILE):
		return results.CauseDescriptors
	case errors.Is(err, unix.ENFILE):
		return results.CauseFiles
	case errors.As(err, &timeout) && timeout.Timeout():
		return results.CauseTimeout
	}
	return results.CauseOther
}
