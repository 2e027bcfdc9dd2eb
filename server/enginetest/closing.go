package enginetest

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
)

// closeCases hold the closing handshake (RFC 6455 sections 5.5.1 and 7).
func closeCases() []Case {
	cases := []Case{
		{
			Name: "close/empty", Section: "RFC 6455 5.5.1",
			Doc: "A close frame without a body is answered with one, and the server ends the TCP connection.",
			Run: talk(func(p *peer) error {
				p.send(closing(nil))
				if err := p.wantCloseFrame(noCode, 1000); err != nil {
					return err
				}
				return p.wantEnd()
			}),
		},
		{
			Name: "close/with-reason", Section: "RFC 6455 5.5.1",
			Doc: "A close frame with a reason of 123 B is answered.",
			Run: closeAnswered(1000, strings.Repeat("é", 61)+"e"),
		},
		{
			Name: "close/byte-per-write", Section: "RFC 6455 5.5.1",
			Doc: "A close frame that arrives one byte at a time is answered.",
			Run: talk(func(p *peer) error {
				p.trickle(wire(closingWith(1001, "slowly")))
				if err := p.wantCloseFrame(1001); err != nil {
					return err
				}
				return p.wantEnd()
			}),
		},
		{
			Name: "close/behind-messages", Section: "RFC 6455 5.5.1",
			Doc: "Messages in the same segment before a close frame are echoed before it is answered.",
			Run: talk(func(p *peer) error {
				p.send(text("first"), text("second"), closingWith(1000, ""))
				if err := p.wantText("first", "second"); err != nil {
					return err
				}
				if err := p.wantCloseFrame(1000); err != nil {
					return err
				}
				return p.wantEnd()
			}),
		},
		{
			Name: "close/nothing-after-it", Section: "RFC 6455 5.5.1",
			Doc: "Data, pings and a second close frame behind a close frame are passed over.",
			Run: talk(func(p *peer) error {
				p.send(closingWith(1000, ""), text("too late"), ping("too late"), closingWith(1000, "twice"))
				if err := p.wantCloseFrame(1000); err != nil {
					return err
				}
				return p.wantEnd()
			}),
		},
		{
			Name: "close/garbage-after-it", Section: "RFC 6455 5.5.1",
			Doc: "Bytes behind a close frame that are no frames change nothing.",
			Run: talk(func(p *peer) error {
				p.write(append(wire(closingWith(1000, "")), 0xff, 0xff, 0xff, 0xff))
				if err := p.wantCloseFrame(1000); err != nil {
					return err
				}
				return p.wantEnd()
			}),
		},
		{
			Name: "close/one-byte", Section: "RFC 6455 5.5.1",
			Doc: "A close frame with a body of one byte fails the connection with 1002, or is at least answered as one without a code.",
			Run: talk(func(p *peer) error {
				p.send(closing([]byte{3}))
				f, err := p.frame(patience, false)
				if err != nil {
					return p.failed("close 1002", err)
				}
				if err := p.wantEnd(); err != nil {
					return err
				}
				if f.op == opClose && len(f.payload) == 0 {
					return Leniency("answers a close frame with a body of one byte as if it had none")
				}
				return checkClose(f, []int{1002})
			}),
		},
		{
			Name: "close/reason-not-utf8", Section: "RFC 6455 8.1",
			Doc: "A reason that is not UTF-8 fails the connection with 1007, or with 1002 as a malformed close frame.",
			Run: talk(func(p *peer) error {
				p.send(closingWith(1000, "bad: \xed\xa0\x80"))
				f, err := p.frame(patience, false)
				if err != nil {
					return p.failed("close 1007", err)
				}
				if err := checkClose(f, []int{1007, 1002}); err != nil {
					return err
				}
				if err := p.wantEnd(); err != nil {
					return err
				}
				if binary.BigEndian.Uint16(f.payload) == 1002 {
					return Leniency("answers a reason that is not UTF-8 with 1002")
				}
				return nil
			}),
		},
		{
			Name: "close/half-close", Section: "RFC 6455 7.1.5",
			Doc: "A client that ends its side of TCP without a close frame is let go at once.",
			Run: talk(func(p *peer) error {
				if err := p.wantAlive("hello"); err != nil {
					return err
				}
				if err := p.tcp.CloseWrite(); err != nil {
					return fmt.Errorf("ending the client's side: %w", err)
				}
				return p.wantGone()
			}),
		},
		{
			Name: "close/half-close-inside-a-frame", Section: "RFC 6455 7.1.5",
			Doc: "A client that ends its side of TCP inside a frame is let go at once, and the part of a message is not echoed.",
			Run: talk(func(p *peer) error {
				b := wire(text("never finished"))
				p.write(b[:len(b)-3])
				if err := p.tcp.CloseWrite(); err != nil {
					return fmt.Errorf("ending the client's side: %w", err)
				}
				return p.wantGone()
			}),
		},
	}
	// 1014 is left out: it was registered after the RFC, and libraries differ.
	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("close/code-%d", code), Section: "RFC 6455 7.4",
			Doc: "A valid close code is answered with the same.",
			Run: closeAnswered(code, "because"),
		})
	}
	for _, code := range []int{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("close/invalid-code-%d", code), Section: "RFC 6455 7.4",
			Doc: "A close code that no endpoint may send fails the connection with 1002.",
			Run: talk(func(p *peer) error {
				p.send(closingWith(code, "because"))
				if err := p.wantCloseFrame(1002); err != nil {
					return err
				}
				return p.wantEnd()
			}),
		})
	}
	return quick(cases)
}

// closeAnswered is a conversation in which a close frame is answered with its
// own code. The RFC says that an endpoint "typically echos" it, so another
// orderly answer is only noted.
func closeAnswered(code int, reason string) func(context.Context, *Target) error {
	return talk(func(p *peer) error {
		p.send(closingWith(code, reason))
		f, err := p.frame(patience, false)
		if err != nil {
			return p.failed(fmt.Sprintf("close %d", code), err)
		}
		if err := checkClose(f, []int{code, 1000, noCode}); err != nil {
			return err
		}
		if err := p.wantEnd(); err != nil {
			return err
		}
		if checkClose(f, []int{code}) != nil {
			return Leniency(fmt.Sprintf("answers close %d with %v", code, f))
		}
		return nil
	})
}
