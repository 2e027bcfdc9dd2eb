package trial

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"signalbench/loadgen/internal/frame"
	"signalbench/loadgen/internal/handshake"
)

// Preflight makes one connection to each URL before anything else happens, and
// says in one sentence what is wrong if that does not work.
func Preflight(ctx context.Context, p *Plan) error {
	for i, u := range p.Target.URLs {
		if err := probe(ctx, p, i); err != nil {
			return fmt.Errorf("%s: %w", u, err)
		}
	}
	return nil
}

func probe(ctx context.Context, p *Plan, i int) error {
	addr := p.Target.Addrs()[i]
	ctx, cancel := context.WithTimeout(ctx, p.DialTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr.String())
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("connection refused: nothing listens on %s; start the server first", addr)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no connection to %s within %v (--dial-timeout)", addr, p.DialTimeout)
	case err != nil:
		return fmt.Errorf("cannot connect: %w", err)
	}
	defer conn.Close()
	// Closing the connection is what ends a read or write in progress.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if p.Target.TLS {
		secure := tls.Client(conn, p.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("TLS handshake failed: %w%s", err, tlsHint(err))
		}
		conn = secure
	}
	if p.Target.Raw {
		return leave(conn)
	}
	var nonce [handshake.KeySize]byte
	_, _ = rand.Read(nonce[:]) // never fails
	var accept handshake.Accept
	if _, err := conn.Write(p.Target.Request(uint32(i)).Append(nil, 0, &nonce, &accept)); err != nil {
		return fmt.Errorf("cannot send the opening handshake: %w", err)
	}
	head, err := readHead(conn)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("no answer to the opening handshake within %v (--dial-timeout): is this a WebSocket server?", p.DialTimeout)
		}
		return err
	}
	status := (*handshake.StatusError)(nil)
	switch err := handshake.Check(head, &accept); {
	case errors.As(err, &status):
		return fmt.Errorf("got status %d %s, a WebSocket server answers 101: check the path of the URL%s", status.Code, http.StatusText(status.Code), originHint(status.Code))
	case errors.Is(err, handshake.ErrAccept):
		return fmt.Errorf("wrong Sec-WebSocket-Accept: the server does not know RFC 6455, or a proxy answers in its place")
	case err != nil:
		return fmt.Errorf("no WebSocket server: %w", err)
	}
	if p.Proto != nil {
		if err := join(conn, p.Proto, p.signals()); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("no reply to a join of %s within %v (--dial-timeout): does the server speak Phoenix Channels there?", p.Proto.AppendTopic(nil, 0), p.DialTimeout)
			}
			return err
		}
	}
	if p.envelopes() {
		if err := login(conn); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("no answer to a login within %v (--dial-timeout): does the server have red envelopes there?", p.DialTimeout)
			}
			return err
		}
	}
	// A farewell, so that the server does not log an error.
	bye := frame.Append(nil, frame.Close, randomKey(), nil, []byte{3, 0xE8})
	if _, err := conn.Write(bye); err == nil {
		await(conn)
	}
	return nil
}

// await waits a moment for the server to end the connection.
func await(conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.Copy(io.Discard, io.LimitReader(conn, 64<<10))
}

func randomKey() frame.Key {
	var key [4]byte
	_, _ = rand.Read(key[:]) // never fails
	return frame.Key(binary.LittleEndian.Uint32(key[:]))
}

// readHead reads until the blank line.
func readHead(conn net.Conn) ([]byte, error) {
	var p []byte
	buf := make([]byte, 4096)
	for seen := 0; ; seen = len(p) {
		n, err := conn.Read(buf)
		p = append(p, buf[:n]...)
		if end, bad := handshake.End(p, seen); bad != nil && len(p) > 0 {
			return nil, fmt.Errorf("no WebSocket server: %w", bad)
		} else if end > 0 {
			return p[:end], nil
		}
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("no WebSocket server: it closed the connection after %s B of an answer", strconv.Itoa(len(p)))
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the answer to the opening handshake: %w", err)
		}
	}
}

func tlsHint(err error) string {
	var unknown *tls.CertificateVerificationError
	if errors.As(err, &unknown) {
		return "; --insecure trusts any certificate"
	}
	var record tls.RecordHeaderError
	if errors.As(err, &record) || errors.Is(err, io.EOF) {
		return "; use ws:// if the server speaks no TLS"
	}
	return ""
}

func originHint(code int) string {
	if code == http.StatusForbidden {
		return ", or --origin"
	}
	return ""
}
