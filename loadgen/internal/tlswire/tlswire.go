package tlswire

import (
	"crypto/tls"
	"errors"
	"io"
	"iter"
	"time"

	"signalbench/loadgen/internal/wire"
	"signalbench/results"
)

// A Wire is TLS over another transport; it implements [wire.Transport].
type Wire struct {
	wire.Transport // below
	config         *tls.Config
	conns          []*conn // nil where there is none
	up             wire.Events
	out            []byte // ciphertext of the operation at hand
	scratch        []byte
}

// New returns TLS over below, for connections 0 to conns-1. What below has beyond
// them goes through as it is.
func New(below wire.Transport, conns int, config *tls.Config) *Wire {
	return &Wire{Transport: below, config: config, conns: make([]*conn, conns), scratch: make([]byte, 64<<10)}
}

var _ wire.Transport = (*Wire)(nil)

// Secure implements [wire.Transport].
func (w *Wire) Secure() bool { return true }

// Dial implements [wire.Transport].
func (w *Wire) Dial(c wire.Conn, r wire.Route, first func() []byte) (established bool, why results.Cause) {
	if w.plain(c) {
		return w.Transport.Dial(c, r, first)
	}
	established, why = w.Transport.Dial(c, r, nil)
	if why != "" {
		return false, why
	}
	k := &conn{w: w}
	k.tls = tls.Client(k, w.config)
	k.resume, k.abandon = iter.Pull(k.handshake)
	w.conns[c] = k
	if established {
		if why := w.shake(c, k); why != "" {
			return false, why
		}
	}
	return established, ""
}

// plain reports whether c is not one that TLS is for.
func (w *Wire) plain(c wire.Conn) bool { return int(c) >= len(w.conns) }

// shake goes on with the handshake until it wants more bytes or ends. A cause
// means that c is gone.
func (w *Wire) shake(c wire.Conn, k *conn) results.Cause {
	if _, more := k.resume(); !more {
		k.resume = nil
	}
	if why := w.flush(c); why != "" {
		w.forget(c)
		return why
	}
	if k.resume == nil && k.err != nil {
		w.Transport.Close(c, false) // our alert should arrive
		w.forget(c)
		return results.CauseTLS
	}
	return ""
}

// flush sends what the operation at hand has encrypted.
func (w *Wire) flush(c wire.Conn) results.Cause {
	if len(w.out) == 0 {
		return ""
	}
	why := w.Transport.Send(c, w.out)
	w.out = w.out[:0]
	if why == results.CauseBacklog {
		// Leaving out a record would break the stream.
		w.Transport.Close(c, true)
		why = results.CauseOther
	}
	return why
}

func (w *Wire) forget(c wire.Conn) {
	if w.plain(c) {
		return
	}
	if k := w.conns[c]; k != nil {
		w.conns[c] = nil
		k.abandon()
		w.out = w.out[:0]
	}
}

// Send implements [wire.Transport].
func (w *Wire) Send(c wire.Conn, p []byte) results.Cause {
	if w.plain(c) {
		return w.Transport.Send(c, p)
	}
	k := w.conns[c]
	if k == nil {
		return results.CauseNoConn
	}
	if w.Full(c) {
		return results.CauseBacklog
	}
	_, err := k.tls.Write(p)
	why := w.flush(c)
	if why == "" && err != nil {
		w.Transport.Close(c, true)
		why = results.CauseOther
	}
	if why != "" {
		w.forget(c)
	}
	return why
}

// Finish implements [wire.Transport]: the peer is told inside of TLS first.
func (w *Wire) Finish(c wire.Conn) results.Cause {
	k := w.conns[c]
	if k == nil || k.resume != nil {
		return results.CauseNoConn
	}
	_ = k.tls.CloseWrite()
	why := w.flush(c)
	if why == "" {
		why = w.Transport.Finish(c)
	}
	if why != "" {
		w.forget(c)
	}
	return why
}

// Close implements [wire.Transport].
func (w *Wire) Close(c wire.Conn, abort bool) {
	if w.plain(c) {
		w.Transport.Close(c, abort)
		return
	}
	if k := w.conns[c]; k != nil && k.resume == nil && !abort {
		_ = k.tls.CloseWrite() // says that this is the end, if it still can
		w.flush(c)
	}
	w.forget(c)
	w.Transport.Close(c, abort)
}

// Wait implements [wire.Transport].
func (w *Wire) Wait(timeout time.Duration, h wire.Events) error {
	w.up = h
	return w.Transport.Wait(timeout, below{w})
}

// Release implements [wire.Transport].
func (w *Wire) Release() {
	for c := range w.conns {
		w.forget(wire.Conn(c))
	}
	w.Transport.Release()
}

// below is what the transport underneath tells.
type below struct{ w *Wire }

func (b below) Between() { b.w.up.Between() }

func (b below) Secured(wire.Conn) {} // nothing below is secure

func (b below) Connected(c wire.Conn) {
	if b.w.plain(c) {
		b.w.up.Connected(c)
		return
	}
	k := b.w.conns[c]
	if b.w.up.Connected(c); b.w.conns[c] != k {
		return
	}
	if why := b.w.shake(c, k); why != "" {
		b.w.up.Ended(c, why)
	}
}

func (b below) Ended(c wire.Conn, why results.Cause) {
	b.w.forget(c)
	b.w.up.Ended(c, why)
}

func (b below) Data(c wire.Conn, p []byte) {
	w := b.w
	if w.plain(c) {
		w.up.Data(c, p)
		return
	}
	k := w.conns[c]
	k.in = p
	if k.resume != nil {
		if why := w.shake(c, k); why != "" {
			w.up.Ended(c, why)
			return
		}
		if k.resume != nil {
			return // wants more
		}
		if w.up.Secured(c); w.conns[c] != k {
			return
		}
	}
	for {
		n, err := k.tls.Read(w.scratch)
		if why := w.flush(c); why != "" {
			w.forget(c)
			w.up.Ended(c, why)
			return
		}
		if n > 0 {
			if w.up.Data(c, w.scratch[:n]); w.conns[c] != k {
				return
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, errLater):
			return
		default:
			why := results.CauseProtocol
			if errors.Is(err, io.EOF) {
				why = results.CauseClosed
			}
			w.Transport.Close(c, why == results.CauseProtocol)
			w.forget(c)
			w.up.Ended(c, why)
			return
		}
	}
}
