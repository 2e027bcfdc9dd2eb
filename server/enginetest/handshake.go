package enginetest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// handshakeCases hold the opening handshake (RFC 6455 section 4.2).
func handshakeCases() []Case {
	return append(quick([]Case{
		{
			Name: "handshake/accepted", Section: "RFC 6455 4.2.2",
			Doc: "A valid opening handshake is answered 101 with the Accept that belongs to its random key, and messages then pass.",
			Run: talk(func(p *peer) error { return p.wantAlive("hello") }),
		},
		accepts("header-fields-in-any-case", "RFC 9110 5.1", "Field names and the tokens of Upgrade and Connection are taken in any case, and Connection may list several.",
			func(h *head) {
				h.set("UPGRADE", "WebSocket")
				h.set("connection", "keep-alive, upgrade")
				h.set("sec-websocket-KEY", h.key)
			}),
		accepts("unknown-header-fields", "RFC 6455 4.1", "Fields that the server does not know change nothing.",
			func(h *head) { h.set("X-Unknown", strings.Repeat("x", 1000)) }),
		accepts("unknown-extension-offered", "RFC 6455 9.1", "An extension that does not exist is not agreed to.",
			func(h *head) { h.set("Sec-WebSocket-Extensions", "x-conformance-kit; answer=42") }),
		accepts("query", "RFC 6455 3", "A query behind the path is no part of the path.",
			func(h *head) {
				sep := "?"
				if strings.Contains(h.target, "?") {
					sep = "&"
				}
				h.target += sep + "kit=1"
			}),
		{
			Name: "handshake/subprotocol-not-invented", Section: "RFC 6455 4.2.2",
			Doc: "The server agrees to no subprotocol but one that was offered.",
			Run: handshake(func(h *head) { h.set("Sec-WebSocket-Protocol", "kit.v1") }, func(p *peer, h *head, r *http.Response) error {
				if err := h.verify(r); err != nil {
					return err
				}
				if got := r.Header.Get("Sec-WebSocket-Protocol"); got != "" && got != "kit.v1" {
					return fmt.Errorf("expected no subprotocol or the offered kit.v1, got %q", got)
				}
				return p.wantAlive("hello")
			}),
		},
		{
			Name: "handshake/byte-per-write", Section: "RFC 6455 4.2",
			Doc:   "A handshake that arrives one byte at a time is answered like one that arrives whole.",
			Needs: []Need{needPatientHandshake},
			Run: dialled(func(p *peer) error {
				h := newHead(p.end)
				p.trickle(h.bytes())
				if err := p.upgraded(h); err != nil {
					return err
				}
				return p.wantAlive("hello")
			}),
		},
		{
			Name: "handshake/glued-to-a-frame", Section: "robustness",
			Doc: "Frames in the same segment as the handshake are not lost.",
			Run: dialled(func(p *peer) error {
				h := newHead(p.end)
				p.write(append(h.bytes(), wire(text("glued"), text("twice"))...))
				if err := p.upgraded(h); err != nil {
					return err
				}
				return p.wantText("glued", "twice")
			}),
		},
		{
			Name: "handshake/glued-to-part-of-a-frame", Section: "robustness",
			Doc: "The first bytes of a frame in the same segment as the handshake are not lost.",
			Run: dialled(func(p *peer) error {
				h := newHead(p.end)
				f := wire(text("glued in part"))
				p.write(append(h.bytes(), f[:7]...))
				if err := p.upgraded(h); err != nil {
					return err
				}
				p.write(f[7:])
				return p.wantText("glued in part")
			}),
		},
		{
			Name: "handshake/glued-to-a-close", Section: "robustness",
			Doc: "A close frame in the same segment as the handshake is answered.",
			Run: dialled(func(p *peer) error {
				h := newHead(p.end)
				p.write(append(h.bytes(), wire(closingWith(1000, ""))...))
				if err := p.upgraded(h); err != nil {
					return err
				}
				if err := p.wantCloseFrame(1000); err != nil {
					return err
				}
				return p.wantEnd()
			}),
		},
		{
			Name: "handshake/wrong-version", Section: "RFC 6455 4.4",
			Doc: "A version other than 13 is answered 426 with a Sec-WebSocket-Version field that names 13.",
			Run: handshake(func(h *head) { h.set("Sec-WebSocket-Version", "12") }, func(p *peer, h *head, r *http.Response) error {
				if err := wantStatus(r, http.StatusUpgradeRequired); err != nil {
					return err
				}
				if got := r.Header.Get("Sec-WebSocket-Version"); !hasToken(got, "13") {
					return fmt.Errorf("expected the 426 to carry Sec-WebSocket-Version: 13, got %q", got)
				}
				return nil
			}),
		},
		refuses("without-version", "RFC 6455 4.2.1", "A request without a version is refused.",
			func(h *head) { h.drop("Sec-WebSocket-Version") }, 400, 426),
		refuses("without-key", "RFC 6455 4.2.1", "A request without a Sec-WebSocket-Key is answered 400.",
			func(h *head) { h.drop("Sec-WebSocket-Key") }, 400),
		refuses("short-key", "RFC 6455 4.2.1", "A key that is not 16 bytes in base64 is answered 400.",
			func(h *head) { h.set("Sec-WebSocket-Key", "c2hvcnQ=") }, 400),
		refuses("post", "RFC 6455 4.2.1", "A method other than GET is refused.",
			func(h *head) { h.method = "POST"; h.set("Content-Length", "0") }, 400, 405),
		refuses("http-1.0", "RFC 6455 4.2.1", "A version of HTTP below 1.1 is refused.",
			func(h *head) { h.proto = "HTTP/1.0" }, 400, 426, 505),
		refuses("without-upgrade", "RFC 6455 4.2.1", "A request without Upgrade: websocket is refused.",
			func(h *head) { h.drop("Upgrade") }, 400, 426),
		refuses("other-upgrade", "RFC 6455 4.2.1", "An upgrade to another protocol is refused.",
			func(h *head) { h.set("Upgrade", "h2c") }, 400, 426),
		refuses("without-connection", "RFC 6455 4.2.1", "A request without Connection: Upgrade is refused.",
			func(h *head) { h.drop("Connection") }, 400, 426),
		refuses("connection-keep-alive", "RFC 6455 4.2.1", "A Connection field that does not list Upgrade is refused.",
			func(h *head) { h.set("Connection", "keep-alive") }, 400, 426),
		refuses("without-host", "RFC 9112 3.2", "A request without a Host field is answered 400.",
			func(h *head) { h.drop("Host") }, 400),
		refuses("two-hosts", "RFC 9112 3.2", "A request with two Host fields is answered 400.",
			func(h *head) { h.add("Host", "other.invalid") }, 400),
		refuses("two-keys", "RFC 6455 11.3.1", "A request with two keys, either of which could be meant, is answered 400.",
			func(h *head) { h.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") }, 400),
		refuses("space-before-colon", "RFC 9112 5.1", "White space between a field name and its colon is answered 400.",
			func(h *head) { h.drop("Sec-WebSocket-Key"); h.add("Sec-WebSocket-Key ", h.key) }, 400),
		refuses("malformed-request-line", "RFC 9112 3", "A request line of two words is answered 400.",
			func(h *head) { h.proto = "" }, 400, 505),
		with(refuses("unknown-path", "RFC 6455 4.2.2", "A resource that is not served is answered 404.",
			func(h *head) { h.target = "/no-such-resource-of-the-conformance-kit" }, 404), needPath),
		with(refuses("foreign-origin", "RFC 6455 10.2", "An Origin that is not allowed is answered 403.",
			func(h *head) { h.set("Origin", "http://attacker.invalid") }, 403), needOriginCheck),
		{
			Name: "handshake/oversize", Section: "robustness",
			Doc: "A head that does not end is refused before it has cost the server 16 MiB.",
			Run: dialled(oversizeHead),
		},
		{
			Name: "handshake/not-http", Section: "robustness",
			Doc: "Bytes that are no HTTP are refused and the connection is closed.",
			Run: dialled(func(p *peer) error {
				p.write([]byte("\x16\x03\x01 this is no request\r\n\r\n"))
				return p.wantRefusal()
			}),
		},
		{
			Name: "handshake/closed-half-way", Section: "robustness",
			Doc: "A client that ends its side in the middle of the head is let go at once.",
			Run: dialled(func(p *peer) error {
				b := newHead(p.end).bytes()
				p.write(b[:len(b)/2])
				if err := p.tcp.CloseWrite(); err != nil {
					return fmt.Errorf("ending the client's side: %w", err)
				}
				return p.wantRefusal()
			}),
		},
	}),
		Case{
			Name: "handshake/silent-client-closed", Section: "robustness",
			Doc:   "A client that connects and says nothing is closed after the handshake timeout.",
			Needs: []Need{needHandshakeTimeout},
			Run:   handshakeTimesOut(func(t *Target, p *peer) {}),
		},
		Case{
			Name: "handshake/half-head-closed", Section: "robustness",
			Doc:   "A client that stops in the middle of the head is closed after the handshake timeout.",
			Needs: []Need{needHandshakeTimeout},
			Run: handshakeTimesOut(func(t *Target, p *peer) {
				b := newHead(p.end).bytes()
				p.write(b[:len(b)/2])
			}),
		},
		Case{
			Name: "handshake/trickled-head-closed", Section: "robustness",
			Doc:   "The handshake timeout runs over the whole head: a byte now and then does not extend it.",
			Needs: []Need{needHandshakeTimeout},
			Run: handshakeTimesOut(func(t *Target, p *peer) {
				b := newHead(p.end).bytes()
				go p.drip(b[:len(b)-2], t.HandshakeTimeout/16)
			}),
		},
	)
}

// with adds needs to a case.
func with(c Case, needs ...Need) Case {
	c.Needs = append(c.Needs, needs...)
	return c
}

// dialled makes a case of a conversation over one connection without an
// opening handshake; over TLS where the target asks for it.
func dialled(conversation func(p *peer) error) func(context.Context, *Target) error {
	return func(ctx context.Context, t *Target) error {
		p, err := t.dial(ctx)
		if err != nil {
			return err
		}
		defer p.close()
		return conversation(p)
	}
}

// handshake sends a head after edit, and hands the response to check.
func handshake(edit func(*head), check func(*peer, *head, *http.Response) error) func(context.Context, *Target) error {
	return dialled(func(p *peer) error {
		h := newHead(p.end)
		edit(h)
		p.write(h.bytes())
		r, err := p.response(h.method)
		if err != nil {
			return err
		}
		return check(p, h, r)
	})
}

// accepts is a case in which the edited head must be answered 101.
func accepts(name, section, doc string, edit func(*head)) Case {
	return Case{Name: "handshake/" + name, Section: section, Doc: doc,
		Run: handshake(edit, func(p *peer, h *head, r *http.Response) error {
			if err := h.verify(r); err != nil {
				return err
			}
			return p.wantAlive("hello")
		})}
}

// refuses is a case in which the edited head must be answered with one of the statuses.
func refuses(name, section, doc string, edit func(*head), statuses ...int) Case {
	return Case{Name: "handshake/" + name, Section: section, Doc: doc,
		Run: handshake(edit, func(_ *peer, _ *head, r *http.Response) error { return wantStatus(r, statuses...) })}
}

func wantStatus(r *http.Response, statuses ...int) error {
	if slices.Contains(statuses, r.StatusCode) {
		return nil
	}
	want := strings.ReplaceAll(strings.Trim(fmt.Sprint(statuses), "[]"), " ", " or ")
	return fmt.Errorf("expected status %s, got %s", want, r.Status)
}

// wantRefusal expects an HTTP error, after which the connection ends, or its
// end alone.
func (p *peer) wantRefusal() error {
	p.conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := p.r.Peek(1); ended(err) {
		return nil
	}
	r, err := p.response("GET")
	if err != nil {
		return err
	}
	if r.StatusCode < 400 {
		return fmt.Errorf("expected a refusal, got %s", r.Status)
	}
	return p.wantEnd()
}

func oversizeHead(p *peer) error {
	h := newHead(p.end).bytes()
	p.write(h[:len(h)-2])
	line := []byte("X-Filler: " + strings.Repeat("f", 8<<10) + "\r\n")
	for sent := 0; sent < 16<<20 && p.sendErr == nil; sent += len(line) {
		p.write(line)
	}
	p.sendErr = nil // being cut off is what was hoped for
	if err := p.wantRefusal(); err != nil {
		return fmt.Errorf("behind a head of more than 16 MiB: %w", err)
	}
	return nil
}

// drip sends b slowly. It ends with b or when the connection does.
func (p *peer) drip(b []byte, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := range b {
		if _, err := p.conn.Write(b[i : i+1]); err != nil {
			return
		}
		<-tick.C
	}
}

// handshakeTimesOut expects the server to give up on a client after the
// handshake timeout, with or without an HTTP error such as 408.
func handshakeTimesOut(begin func(*Target, *peer)) func(context.Context, *Target) error {
	return func(ctx context.Context, t *Target) error {
		e, err := t.endpoint()
		if err != nil {
			return err
		}
		// Over TLS too the timeout runs from accept, so nothing is said at all.
		connected := time.Now()
		p, err := t.connect(ctx, e)
		if err != nil {
			return err
		}
		defer p.close()
		begin(t, p)
		p.conn.SetReadDeadline(connected.Add(late(t.HandshakeTimeout)))
		_, err = p.r.Peek(1)
		if err != nil && !ended(err) {
			return p.failed(fmt.Sprintf("the server to give up after the handshake timeout of %v", t.HandshakeTimeout), err)
		}
		if waited := time.Since(connected); waited < t.HandshakeTimeout {
			return fmt.Errorf("expected the client to have %v for the handshake, got the end after %v", t.HandshakeTimeout, waited)
		}
		return p.wantGone()
	}
}

// late is when a timeout must have fired: an eighth after its time, which the
// contract allows, and what a loaded machine adds.
func late(d time.Duration) time.Duration { return d + d/8 + patience/2 }

// wantGone expects the end of the connection, whatever is said before it.
func (p *peer) wantGone() error {
	p.conn.SetReadDeadline(time.Now().Add(patience))
	return p.untilEnd()
}

// untilEnd reads to the end of the connection, or to the read deadline.
func (p *peer) untilEnd() error {
	for {
		if _, err := p.r.Discard(1); ended(err) {
			return nil
		} else if err != nil {
			return p.failed("the server to end the connection", err)
		}
	}
}
