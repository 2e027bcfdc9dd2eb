package enginetest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	"signalbench/server/engine"
)

// A reference is the plainest engine that passes the kit: a goroutine that
// reads and one that writes for each connection, and nothing shared. It exists
// to be broken: each fault breaks one rule, and the cases that hold that rule
// must then fail.
type reference struct {
	cfg    engine.Config
	faults map[fault]bool
	slots  chan struct{} // holds a token for each connection if MaxConns is set
	shared sync.Mutex    // held while writing if a fault says so
	state  any           // of all connections if a fault says so
	mu     sync.Mutex
	conns  map[*refConn]struct{}
	wg     sync.WaitGroup
	quit   chan struct{} // closed when Serve is told to end
	home   *refHome      // of all connections
}

func referenceWith(faults ...fault) engine.Entry {
	set := make(map[fault]bool)
	for _, f := range faults {
		set[f] = true
	}
	return engine.Entry{Name: "reference", New: func(cfg engine.Config) (engine.Engine, error) {
		e := &reference{cfg: cfg, faults: set, conns: make(map[*refConn]struct{}), quit: make(chan struct{})}
		e.home = &refHome{e: e, wake: make(chan struct{}, 1)}
		if cfg.MaxConns > 0 {
			e.slots = make(chan struct{}, cfg.MaxConns)
		}
		return e, nil
	}}
}

func (e *reference) has(f fault) bool { return e.faults[f] }

func (e *reference) Serve(ctx context.Context, listeners []net.Listener, h engine.Handler) error {
	e.home.idle.Go(e.home.run)
	defer e.home.end()
	for i, l := range listeners {
		if i > 0 && e.has(oneListener) {
			break
		}
		e.wg.Go(func() { e.accept(l, h) })
	}
	<-ctx.Done()
	for i, l := range listeners {
		if e.has(listenerLeftOpen) && i == 0 {
			lost.add(func() { l.Close() })
			continue
		}
		l.Close()
	}
	e.mu.Lock()
	for c := range e.conns {
		if !c.upgraded.Load() {
			if e.has(handshakesOutlive) {
				lost.add(func() { c.nc.Close() })
				continue
			}
			c.nc.Close()
		} else if !e.has(silentDrain) {
			c.finish(engine.CloseGoingAway, "")
		} else {
			c.nc.Close()
		}
	}
	e.mu.Unlock()
	if e.has(handshakesOutlive) || e.has(listenerLeftOpen) {
		return nil
	}
	close(e.quit)
	done := make(chan struct{})
	go func() { e.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-time.After(e.cfg.DrainTimeout):
	}
	e.mu.Lock()
	for c := range e.conns {
		c.nc.Close()
	}
	e.mu.Unlock()
	<-done
	if e.has(drainNeverLate) {
		return nil
	}
	return engine.ErrDrainDeadline
}

func (e *reference) accept(l net.Listener, h engine.Handler) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		e.cfg.Stats.Accepted.Add(1)
		if e.slots != nil && !e.has(noConnLimit) {
			select {
			case e.slots <- struct{}{}:
			default:
				e.cfg.Stats.Refused.Add(1)
				nc.Close()
				continue
			}
		}
		if e.cfg.TLS != nil {
			nc = tls.Server(nc, e.cfg.TLS)
		}
		c := &refConn{e: e, nc: nc, h: h, r: bufio.NewReader(nc), wake: make(chan struct{}, 1), over: make(chan struct{})}
		e.mu.Lock()
		e.conns[c] = struct{}{}
		e.mu.Unlock()
		serve := func() {
			c.serve()
			e.mu.Lock()
			delete(e.conns, c)
			e.mu.Unlock()
			if e.slots != nil && !e.has(noConnLimit) && !e.has(slotsNotGivenBack) {
				<-e.slots
			}
		}
		if e.has(handshakeInAcceptLoop) {
			c.early, c.earlyErr = c.shake()
		}
		e.wg.Go(serve)
	}
}

// A refConn is one connection of a reference.
type refConn struct {
	e        *reference
	nc       net.Conn
	h        engine.Handler
	r        *bufio.Reader
	early    *engine.Request
	earlyErr error
	upgraded atomic.Bool

	mu      sync.Mutex
	queue   [][]byte
	queued  int
	closing bool  // a close frame is queued, or nothing more goes out
	cause   error // why this side closes
	state   any
	heard   bool // a message has come
	buffer  []byte
	wake    chan struct{}
	over    chan struct{} // closed when the connection is
}

func (c *refConn) has(f fault) bool { return c.e.has(f) }

func (c *refConn) serve() {
	defer func() {
		if c.has(descriptorLeak) {
			lost.add(func() { c.nc.Close() })
			return
		}
		c.nc.Close()
	}()
	stats := c.e.cfg.Stats
	r, err := c.early, c.earlyErr
	if !c.has(handshakeInAcceptLoop) {
		r, err = c.shake()
	}
	if err != nil {
		if _, ok := errors.AsType[*engine.Refusal](err); ok && !c.has(refusalsNotCounted) {
			stats.Refused.Add(1)
		} else {
			stats.Failed.Add(1)
		}
		return
	}
	stats.Upgraded.Add(1)
	stats.Open.Add(1)
	c.upgraded.Store(true)
	if c.has(bytesPutSilenceOff) {
		c.r = bufio.NewReader(armingReader{c, c.r})
	}
	c.e.wg.Go(c.writeLoop)
	if c.has(messageBeforeOpen) {
		c.h.Message(c, engine.OpText, nil)
	}
	c.h.Open(c, r)
	err = c.readLoop()
	c.mu.Lock()
	c.closing = true
	if c.cause != nil {
		err = c.cause
	}
	c.mu.Unlock()
	close(c.over)
	if !c.has(openNotCountedDown) {
		stats.Open.Add(-1)
	}
	stats.Closed.Add(1)
	if c.has(goroutineLeak) {
		found := make(chan struct{})
		lost.add(func() { close(found) })
		go func() { <-found }()
	}
	if !c.has(neverClosedCalled) {
		if c.has(alwaysCleanCause) {
			err = nil
		}
		c.h.Closed(c, err)
	}
	if c.has(closedTwice) {
		c.h.Closed(c, err)
	}
}

// shake answers the opening handshake.
func (c *refConn) shake() (*engine.Request, error) {
	cfg := &c.e.cfg
	timeout := cfg.HandshakeTimeout
	if c.has(impatientHandshake) {
		timeout /= 2
	}
	c.nc.SetDeadline(time.Now().Add(timeout))
	if c.has(noHandshakeTimeout) {
		c.nc.SetDeadline(time.Time{})
	}
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if c.has(handshakeTimeoutByByte) && len(head) > 0 {
			c.nc.SetDeadline(time.Now().Add(timeout))
		}
		b, err := c.r.ReadByte()
		if err != nil {
			if c.has(waitsForHungUp) && errors.Is(err, io.EOF) {
				c.hang()
			}
			return nil, err
		}
		head = append(head, b)
		if len(head) > 8<<10 && !c.has(endlessHead) {
			return nil, c.refuse(431, "too large")
		}
		if c.has(handshakeInOneRead) && c.r.Buffered() == 0 && !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
			return nil, c.refuse(400, "incomplete")
		}
	}
	if c.has(trimsNames) {
		head = bytes.ReplaceAll(head, []byte(" :"), []byte(":"))
	}
	if i := bytes.LastIndex(head, []byte("\nHost:")); c.has(takesTwoHosts) && i > bytes.Index(head, []byte("\nHost:")) {
		head = bytes.Join([][]byte{head[:i], head[i+1:]}, []byte("\nX-"))
	}
	q, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		if c.has(answersGarbageWith101) {
			_, _ = io.WriteString(c.nc, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
			return nil, err
		}
		return nil, c.refuse(400, "malformed")
	}
	get := q.Header.Get
	token := hasToken
	if c.has(exactTokens) {
		token = func(field, t string) bool { return field == "Upgrade" || field == "websocket" }
	}
	checks := []struct {
		bad    bool
		status int
		lax    fault
	}{
		{q.Method != "GET", 405, anyMethod},
		{!q.ProtoAtLeast(1, 1), 505, anyProto},
		{q.Host == "", 400, noHostNeeded},
		{len(q.Header.Values("Sec-WebSocket-Key")) > 1, 400, takesTwoKeys},
		{!token(get("Upgrade"), "websocket"), 426, anyUpgrade},
		{!token(get("Connection"), "upgrade"), 400, anyConnection},
		{get("Sec-WebSocket-Version") != "13", 426, anyVersion},
		{len(get("Sec-WebSocket-Key")) != 24, 400, anyKey},
		{len(get("X-Unknown")) > 100 && c.has(smallFields), 431, noFault},
	}
	for _, x := range checks {
		if x.bad && (x.lax == noFault || !c.has(x.lax)) {
			return nil, c.refuse(x.status, "bad handshake")
		}
	}
	r := &engine.Request{Path: q.URL.Path, RawQuery: q.URL.RawQuery, Host: q.Host, Origin: get("Origin"), RemoteAddr: c.nc.RemoteAddr()}
	if c.has(queryIsPath) {
		r.Path = q.RequestURI
	}
	if c.has(requestHalfFilled) {
		r.RawQuery = ""
	}
	if !cfg.OriginAllowed(r.Origin, r.Host) && !c.has(anyOrigin) {
		err := &engine.Refusal{Status: 403}
		_ = c.refuse(403, "origin")
		return nil, err
	}
	if err := c.h.Accept(r); err != nil && !c.has(anyPath) {
		status := 500
		if refusal, ok := errors.AsType[*engine.Refusal](err); ok && !c.has(refusalIs500) {
			status = refusal.Status
		}
		_ = c.refuse(status, "refused")
		return nil, &engine.Refusal{Status: status}
	}
	accept := acceptOf(get("Sec-WebSocket-Key"))
	if c.has(wrongAccept) {
		accept = acceptOf("the sample key")
	}
	more := ""
	if x := get("Sec-WebSocket-Extensions"); x != "" && c.has(agreesToAnything) {
		more += "Sec-WebSocket-Extensions: " + x + "\r\n"
	}
	if c.has(inventsSubprotocol) {
		more += "Sec-WebSocket-Protocol: chat\r\n"
	}
	fmt.Fprintf(c.nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n", accept, more)
	if c.has(losesGlued) {
		c.r.Reset(c.nc)
	}
	return r, c.nc.SetDeadline(time.Time{})
}

// refuse answers with an HTTP error.
func (c *refConn) refuse(status int, reason string) error {
	version := "Sec-WebSocket-Version: 13\r\n"
	if c.has(versionNotNamed) {
		version = ""
	}
	fmt.Fprintf(c.nc, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n%s\r\n", status, http.StatusText(status), version)
	if c.has(tcpOpenAfterRefusal) {
		c.hang()
	}
	c.linger()
	return errors.New(reason)
}

// linger lets the peer read what was sent last before a reset can overtake it.
func (c *refConn) linger() {
	if tcp, ok := c.nc.(interface{ CloseWrite() error }); ok {
		_ = tcp.CloseWrite()
	}
	c.nc.SetReadDeadline(time.Now().Add(min(c.e.cfg.WriteTimeout, 200*time.Millisecond)))
	_, _ = io.Copy(io.Discard, c.nc)
}

// hang waits for longer than a case does.
func (c *refConn) hang() {
	select {
	case <-time.After(10 * time.Second):
	case <-c.e.quit:
	}
}

func violate(code engine.CloseCode) error { return &engine.CloseError{Code: code} }

// readLoop reads until the connection is over, and closes it.
func (c *refConn) readLoop() error {
	err := c.messages()
	if ce, ok := errors.AsType[*engine.CloseError](err); ok {
		code := ce.Code
		if c.has(alwaysCode1000) {
			code = 1000
		}
		if c.has(dropsWithoutClose) {
			return err
		}
		c.finish(code, "")
		c.flush()
		if !c.has(tcpOpenAfterViolation) {
			c.linger()
		} else {
			c.hang()
		}
		return err
	}
	if errors.Is(err, errClean) {
		c.flush()
		if c.has(tcpOpenAfterClose) {
			c.hang()
		}
		return nil
	}
	if c.has(halfCloseIgnored) && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		c.hang()
	}
	if c.has(resetEndsAll) && errors.Is(err, syscall.ECONNRESET) {
		c.e.mu.Lock()
		for other := range c.e.conns {
			other.nc.Close()
		}
		c.e.mu.Unlock()
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		c.mu.Lock()
		closing := c.closing
		c.mu.Unlock()
		if !closing {
			if !c.has(silenceNotCounted) {
				c.e.cfg.Stats.TimedOut.Add(1)
			}
			c.finish(engine.ClosePolicyViolation, "silence")
			c.flush()
			if c.has(tcpOpenAfterSilence) {
				c.hang()
			}
			c.linger()
		}
	}
	return err
}

var errClean = errors.New("clean close")

// arm sets the read deadline for the next message or control frame.
func (c *refConn) arm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.e.cfg.ReadTimeout
	switch {
	case c.closing && c.has(closeNeverCut):
		c.nc.SetReadDeadline(time.Time{})
	case c.closing:
		c.nc.SetReadDeadline(time.Now().Add(c.e.cfg.WriteTimeout))
	case c.has(zeroTimeoutIsAtOnce):
		c.nc.SetReadDeadline(time.Now().Add(d + time.Millisecond))
	case d == 0 || c.has(neverTimesOut):
		c.nc.SetReadDeadline(time.Time{})
	case c.has(impatientRead):
		c.nc.SetReadDeadline(time.Now().Add(d / 2))
	default:
		c.nc.SetReadDeadline(time.Now().Add(d))
	}
}

// An armingReader puts the read timeout off with every read.
type armingReader struct {
	c *refConn
	r io.Reader
}

func (a armingReader) Read(p []byte) (int, error) {
	a.c.arm()
	return a.r.Read(p)
}

// A frameHead is what stands before a payload.
type frameHead struct {
	fin    bool
	rsv    byte
	op     opcode
	masked bool
	length uint64
	mask   [4]byte
}

func (c *refConn) head() (h frameHead, err error) {
	b := make([]byte, 8)
	if _, err = io.ReadFull(c.r, b[:1]); err != nil {
		return h, err
	}
	if c.has(headerInOneRead) && c.r.Buffered() < 5 {
		return h, violate(1002)
	}
	if _, err = io.ReadFull(c.r, b[1:2]); err != nil {
		return h, unfinished(err)
	}
	h = frameHead{fin: b[0]&0x80 != 0, rsv: b[0] >> 4 & 7, op: opcode(b[0] & 15), masked: b[1]&0x80 != 0, length: uint64(b[1] & 0x7f)}
	switch h.length {
	case 126:
		if _, err = io.ReadFull(c.r, b[:2]); err != nil {
			return h, err
		}
		if h.length = uint64(binary.BigEndian.Uint16(b)); h.length < 126 {
			if !c.has(misreadsLongLengths) {
				return h, violate(1002)
			}
			h.length = 1
		}
	case 127:
		if _, err = io.ReadFull(c.r, b); err != nil {
			return h, err
		}
		h.length = binary.BigEndian.Uint64(b)
		if h.length < 65536 {
			if !c.has(misreadsLongLengths) {
				return h, violate(1002)
			}
			h.length = 1
		}
		if h.length>>63 != 0 {
			if c.has(signedLengths) {
				h.length &= 1<<63 - 1
			} else {
				return h, violate(1002)
			}
		}
	}
	switch {
	case h.rsv != 0 && !c.has(takesReservedBits),
		(h.op > opBinary && h.op < opClose || h.op > opPong) && !c.has(takesReservedOpcodes),
		!h.masked && !c.has(takesUnmasked),
		h.op.control() && !h.fin && !c.has(fragmentedControl),
		h.op.control() && h.length > 125 && !c.has(longControl):
		return h, violate(1002)
	}
	if h.masked {
		if _, err = io.ReadFull(c.r, h.mask[:]); err == nil && h.mask == [4]byte{} && c.has(refusesZeroMask) {
			err = violate(1002)
		}
	}
	return h, err
}

func (c *refConn) payload(h frameHead) ([]byte, error) {
	if h.op.control() && h.length > 1<<20 {
		return nil, errors.New("waiting for a terabyte")
	}
	p := make([]byte, h.length)
	for at := 0; at < len(p); {
		n, err := c.r.Read(p[at:])
		if err != nil {
			return nil, unfinished(err)
		}
		at += n
	}
	wrong := c.has(unmasksWrongly)
	for i := range p {
		p[i] ^= h.mask[i&3]
		if wrong && i >= 64 {
			p[i] ^= 1
		}
	}
	return p, nil
}

// messages reads frames and calls the handler until the connection ends.
func (c *refConn) messages() error {
	var (
		whole []byte
		op    opcode // of the unfinished message, 0 if none
		held  []byte // a pong that a fault holds back
		seen  uint64 // bytes of all messages
	)
	c.arm()
	for {
		if c.has(segmentIsFrame) {
			c.r.Discard(c.r.Buffered())
		}
		h, err := c.head()
		if err != nil {
			return err
		}
		if h.op.control() {
			p, err := c.payload(h)
			if err != nil {
				return err
			}
			if !c.has(controlDoesNotCount) {
				c.arm()
			}
			switch h.op {
			case opPing:
				switch {
				case c.has(ignoresPing):
				case op != 0 && c.has(pongAfterMessage):
					held = p
				case op != 0 && c.has(pingEndsMessage):
					op, whole = 0, nil
				default:
					if c.has(emptyPongs) {
						p = nil
					}
					c.pong(p)
				}
			case opPong:
				if c.has(pongIsViolation) {
					return violate(1002)
				}
			case opClose:
				return c.answerClose(p)
			}
			continue
		}
		total := uint64(len(whole)) + h.length
		if c.has(limitPerFrame) {
			total = h.length
		}
		limit := uint64(c.e.cfg.MaxMessage)
		if c.has(lowerLimit) {
			limit--
		}
		if c.has(limitPerConnection) {
			seen += h.length
			total = seen
		}
		if total > limit && !c.has(noMessageLimit) {
			if c.has(limitAfterPayload) {
				_, _ = io.CopyN(io.Discard, c.r, int64(h.length&(1<<62-1)))
			}
			return violate(1009)
		}
		if c.has(noMessageLimit) && h.length > 1<<30 {
			c.hang()
			return errors.New("out of memory")
		}
		switch {
		case h.op == opContinuation && op == 0 && !c.has(takesLoneContinuation),
			h.op != opContinuation && op != 0 && !c.has(takesFrameInside):
			return violate(1002)
		}
		if h.op != opContinuation || op == 0 {
			op = h.op
			if op == 0 || op > opBinary {
				op = opText
			}
		}
		p, err := c.payload(h)
		if err != nil {
			return err
		}
		if c.has(fragmentsPutSilenceOff) {
			c.arm()
		}
		if len(p) == 0 && !h.fin && c.has(emptyFragmentEnds) {
			h.fin = true
		}
		whole = append(whole, p...)
		if op == opText && !c.has(noUTF8Check) {
			if c.has(utf8PerFrame) && !utf8.Valid(p) {
				return violate(1007)
			}
			if h.fin && !utf8.Valid(whole) && !(c.has(utf8OfFirstFrame) && h.op == opContinuation) {
				return violate(1007)
			}
		}
		if op == opBinary && c.has(utf8OfBinary) && h.fin && !utf8.Valid(whole) {
			return violate(1007)
		}
		if h.fin || c.has(fragmentsNotJoined) {
			if !c.has(messagesDoNotCount) {
				c.arm()
			}
			if c.has(corruptsLastByte) && len(whole) > 0 {
				whole[len(whole)-1] ^= 0x40
			}
			c.mu.Lock()
			closing := c.closing
			c.heard = true
			c.mu.Unlock()
			if !closing && !(len(whole) == 0 && c.has(emptyMessagesLost)) {
				c.h.Message(c, engine.Opcode(op), whole)
			}
			if held != nil {
				c.pong(held)
				held = nil
			}
			op, whole = 0, nil
		}
	}
}

// answerClose answers a close frame.
func (c *refConn) answerClose(p []byte) error {
	if c.has(ignoresClose) {
		c.hang()
		return errClean
	}
	code := noCode
	switch {
	case len(p) == 1 && !c.has(takesOneByteClose):
		return violate(1002)
	case len(p) == 1:
		p = append(p, 0xe8)
		fallthrough
	case len(p) >= 2:
		code = int(binary.BigEndian.Uint16(p))
		if !engine.CloseCode(code).Received() && !c.has(takesAnyCode) {
			return violate(1002)
		}
		if !utf8.Valid(p[2:]) && !c.has(takesAnyReason) {
			return violate(1007)
		}
		if c.has(knownCodesOnly) && code > 1001 || c.has(shortReasons) && len(p) > 100 {
			return violate(1002)
		}
	}
	if c.has(echoesAfterClose) {
		c.mu.Lock()
		c.push(c.frame(opText, []byte("one more thing")))
		c.mu.Unlock()
	}
	c.mu.Lock()
	asked := c.closing
	c.mu.Unlock()
	if !asked {
		c.finish(engine.CloseCode(code), "")
		c.mu.Lock()
		c.cause = nil
		c.mu.Unlock()
	}
	if c.has(closeSentTwice) {
		c.mu.Lock()
		c.push(c.frame(opClose, nil))
		c.mu.Unlock()
	}
	return errClean
}

func (c *refConn) pong(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	if c.queued >= c.e.cfg.Outbox && !c.has(unboundedOutbox) {
		c.evict()
		return
	}
	c.push(c.frame(opPong, p))
}

// frame is one server frame.
func (c *refConn) frame(op opcode, p []byte) []byte {
	f := frame{op: op, payload: p, unmasked: !c.has(masksFrames)}
	if c.has(setsReservedBits) {
		f.rsv = 4
	}
	if c.has(wastesLengths) {
		f.form = in64bits
	}
	return wire(f)
}

// push queues b; c.mu is held.
func (c *refConn) push(b []byte) {
	c.queue = append(c.queue, b)
	c.queued += len(b)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// evict ends the connection of a slow consumer; c.mu is held.
func (c *refConn) evict() {
	if c.cause == nil {
		if !c.has(evictionsNotCounted) {
			c.e.cfg.Stats.Evicted.Add(1)
		}
		c.cause = &engine.CloseError{Code: engine.ClosePolicyViolation}
	}
	c.closing = true
	c.nc.Close()
}

func (c *refConn) Send(op engine.Opcode, p []byte) error { return c.send(c.frame(opcode(op), p), "") }

func (c *refConn) SendPrepared(m *engine.Prepared) error {
	policy := m.Slow
	if c.has(policyIgnored) {
		policy = ""
	}
	b := m.Frame
	if c.has(preparedEndsAt64K) && len(m.Payload) > 0xFFFF {
		b = c.frame(opcode(m.Op), m.Payload[:0xFFFF])
	}
	if c.has(writesToShared) {
		b = bytes.Clone(b)
		m.Frame[len(m.Frame)-1] ^= 1
	}
	c.mu.Lock()
	switch {
	case c.closing && c.has(preparedBehindAll):
		c.push(b)
		c.mu.Unlock()
		return nil
	case !c.closing && c.has(preparedOvertakes) && len(c.queue) > 0:
		c.queue = slices.Insert(c.queue, 0, b)
		c.queued += len(b)
		c.mu.Unlock()
		return nil
	}
	c.mu.Unlock()
	return c.send(b, policy)
}

// send queues a frame.
func (c *refConn) send(b []byte, policy engine.SlowPolicy) error {
	if c.has(sendBlocks) {
		c.e.shared.Lock()
		defer c.e.shared.Unlock()
		_, err := c.nc.Write(b)
		return err
	}
	if c.has(mixesUp) {
		c = c.someOther()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closing && c.has(sendAfterClose):
		return nil
	case c.closing:
		return engine.ErrClosed
	case c.has(sendOnOpenLost) && !c.heard:
		return nil
	case c.has(smallOutbox) && c.queued >= c.e.cfg.Outbox/8:
		c.evict()
		return engine.ErrSlow
	case c.queued >= c.e.cfg.Outbox && c.has(unboundedOutbox):
	case c.queued >= c.e.cfg.Outbox && cmp.Or(policy, c.e.cfg.Slow) == engine.SlowDrop && !c.has(dropIsEviction):
		c.e.cfg.Stats.Dropped.Add(1)
		return engine.ErrSlow
	case c.queued >= c.e.cfg.Outbox:
		c.evict()
		return engine.ErrSlow
	}
	if c.has(oneBuffer) {
		c.buffer = append(c.buffer[:0], b...)
		b = c.buffer
	}
	if c.has(reorders) && len(c.queue) > 0 {
		last := c.queue[len(c.queue)-1]
		c.queue[len(c.queue)-1] = b
		b = last
	}
	c.push(b)
	return nil
}

// someOther returns another connection if there is one.
func (c *refConn) someOther() *refConn {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	for other := range c.e.conns {
		if other != c && other.upgraded.Load() {
			return other
		}
	}
	return c
}

func (c *refConn) Close(code engine.CloseCode, reason string) error {
	c.mu.Lock()
	closing := c.closing
	c.mu.Unlock()
	if closing {
		if c.has(sendAfterClose) {
			return nil
		}
		return engine.ErrClosed
	}
	c.finish(code, reason)
	c.arm()
	if c.has(impatientClose) {
		c.flush()
		c.nc.Close()
	}
	return nil
}

// finish queues a close frame, the last frame of all.
func (c *refConn) finish(code engine.CloseCode, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	var p []byte
	if code != noCode {
		p = append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
	}
	if c.has(reasonsNotSent) && len(p) > 2 {
		p = p[:2]
	}
	if c.has(closeDropsQueue) {
		c.queue, c.queued = nil, 0
	}
	c.push(c.frame(opClose, p))
	c.closing = true
	c.cause = &engine.CloseError{Code: code, Reason: reason}
}

// flush waits until everything is written, or cannot be.
func (c *refConn) flush() {
	deadline := time.Now().Add(c.e.cfg.WriteTimeout)
	for time.Now().Before(deadline) {
		c.mu.Lock()
		n := c.queued
		c.mu.Unlock()
		if n == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (c *refConn) writeLoop() {
	for {
		select {
		case <-c.wake:
		case <-c.over:
			return
		}
		for {
			c.mu.Lock()
			if len(c.queue) == 0 {
				c.mu.Unlock()
				break
			}
			b := bytes.Clone(c.queue[0])
			c.queue = c.queue[1:]
			c.mu.Unlock()
			if !c.has(noWriteTimeout) {
				c.nc.SetWriteDeadline(time.Now().Add(c.e.cfg.WriteTimeout))
			}
			_, err := c.nc.Write(b)
			c.mu.Lock()
			c.queued -= len(b)
			if err != nil {
				c.queue, c.queued, c.closing = nil, 0, true
			}
			c.mu.Unlock()
			if err != nil {
				c.nc.Close()
				return
			}
		}
	}
}

func (c *refConn) SetState(v any) {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	*c.stateOf() = v
}

func (c *refConn) State() any {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	return *c.stateOf()
}

func (c *refConn) stateOf() *any {
	if c.has(stateIsShared) {
		return &c.e.state
	}
	return &c.state
}

func (c *refConn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

func (c *refConn) Home() engine.Home { return c.e.home }

// A refHome does jobs on a goroutine. Nothing needs it: it is there to be broken.
type refHome struct {
	e     *reference
	mu    sync.Mutex
	jobs  []func()
	ended bool
	wake  chan struct{}
	idle  sync.WaitGroup
}

func (h *refHome) Do(job func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return h.e.has(homeOutlives)
	}
	h.jobs = append(h.jobs, job)
	select {
	case h.wake <- struct{}{}:
	default:
	}
	return true
}

// run does jobs until end.
func (h *refHome) run() {
	for {
		h.mu.Lock()
		switch {
		case h.ended:
			h.mu.Unlock()
			return
		case len(h.jobs) == 0:
			h.mu.Unlock()
			<-h.wake
			continue
		}
		i := 0
		if h.e.has(jobsBackwards) {
			i = len(h.jobs) - 1
		}
		job := h.jobs[i]
		h.jobs = slices.Delete(h.jobs, i, i+1)
		h.mu.Unlock()
		if !h.survives(job) && h.e.has(diesOfPanic) {
			return
		}
	}
}

// survives reports whether a job did not panic.
func (h *refHome) survives(job func()) (well bool) {
	defer func() { well = recover() == nil }()
	job()
	return true
}

func (h *refHome) end() {
	h.mu.Lock()
	h.ended = true
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
	h.idle.Wait()
}
