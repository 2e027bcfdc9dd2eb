package enginetest

import (
	"fmt"
	"math/rand/v2"
)

// frameCases hold the framing of messages (RFC 6455 section 5.2), whichever way
// the bytes are cut into segments.
func frameCases() []Case {
	cases := []Case{
		{
			Name: "frame/two-in-a-segment", Section: "RFC 6455 5.2",
			Doc: "Two frames in one segment are two messages, in order.",
			Run: talk(func(p *peer) error {
				p.send(text("first"), text("second"))
				return p.wantText("first", "second")
			}),
		},
		{
			Name: "frame/hundred-in-a-segment", Section: "RFC 6455 5.2",
			Doc: "A hundred frames in one segment are a hundred messages, in order.",
			Run: talk(func(p *peer) error {
				var frames []frame
				var texts []string
				for i := range 100 {
					s := fmt.Sprintf("message %d", i)
					frames, texts = append(frames, text(s)), append(texts, s)
				}
				p.send(frames...)
				return p.wantText(texts...)
			}),
		},
		{
			Name: "frame/one-and-a-half-in-a-segment", Section: "RFC 6455 5.2",
			Doc: "A frame whose first half shares a segment with another frame is put together.",
			Run: talk(func(p *peer) error {
				second := wire(text("second"))
				for cut := 1; cut < len(second); cut++ {
					p.write(append(wire(text("first")), second[:cut]...))
					if err := p.wantText("first"); err != nil {
						return fmt.Errorf("cut after byte %d: %w", cut, err)
					}
					p.write(second[cut:])
					if err := p.wantText("second"); err != nil {
						return fmt.Errorf("cut after byte %d: %w", cut, err)
					}
				}
				return nil
			}),
		},
		{
			Name: "frame/byte-per-write", Section: "RFC 6455 5.2",
			Doc:   "Frames that arrive one byte at a time are put together, for each of the three forms of length.",
			Needs: []Need{needPatientRead},
			Run: talk(func(p *peer) error {
				for _, n := range []int{0, 1, 125, 126, 1000} {
					f := data(opBinary, noise(n))
					p.trickle(wire(f))
					if err := p.wantEcho(opBinary, f.payload); err != nil {
						return err
					}
				}
				return nil
			}),
		},
		{
			Name: "frame/long-length-byte-per-write", Section: "RFC 6455 5.2",
			Doc:   "A header with a 64-bit length may be cut anywhere.",
			Needs: []Need{needMessage(65536)},
			Run: talk(func(p *peer) error {
				f := data(opBinary, noise(65536))
				b := wire(f)
				p.trickle(b[:16])
				p.write(b[16:])
				return p.wantEcho(opBinary, f.payload)
			}),
		},
		{
			Name: "frame/zero-mask", Section: "RFC 6455 5.3",
			Doc: "A mask of four zero bytes is a mask.",
			Run: talk(func(p *peer) error {
				f := text("masked with zeros")
				f.mask = [4]byte{}
				p.send(f)
				return p.wantText("masked with zeros")
			}),
		},
		{
			Name: "frame/new-mask-each", Section: "RFC 6455 5.3",
			Doc: "Each frame is unmasked with its own mask, at every length modulo the word sizes that unmasking works in.",
			Run: talk(func(p *peer) error {
				for n := range 70 {
					f := data(opBinary, noise(n))
					p.send(f)
					if err := p.wantEcho(opBinary, f.payload); err != nil {
						return err
					}
				}
				return nil
			}),
		},
		{
			Name: "frame/order-kept", Section: "RFC 6455 5.4",
			Doc: "A thousand messages of mixed kinds and lengths, sent while their echoes are read, come back in order.",
			Run: talk(func(p *peer) error {
				const window = 64 // on their way at once, so that no outbox fills
				var frames []frame
				for i := range 1000 {
					f := data(opBinary, noise(rand.IntN(400)))
					switch {
					case i%2 == 0:
						f = text(fmt.Sprintf("message %d", i))
					case i == 1:
						f = data(opBinary, nil) // else a run might have no empty one
					}
					p.send(f)
					frames = append(frames, f)
					if i < window {
						continue
					}
					if err := p.wantEcho(frames[0].op, frames[0].payload); err != nil {
						return err
					}
					frames = frames[1:]
				}
				for _, f := range frames {
					if err := p.wantEcho(f.op, f.payload); err != nil {
						return err
					}
				}
				return nil
			}),
		},
		{
			Name: "frame/length-not-minimal", Section: "RFC 6455 5.2",
			Doc: "A length in more bytes than needed is refused with 1002, or at least read for what it says.",
			Run: talk(func(p *peer) error {
				f := text("five!")
				f.form = in16bits
				return p.lenient("a length of 5 B written in 16 bits", f)
			}),
		},
		{
			Name: "frame/long-length-not-minimal", Section: "RFC 6455 5.2",
			Doc: "A 64-bit length below 65,536 is refused with 1002, or at least read for what it says.",
			Run: talk(func(p *peer) error {
				f := data(opText, []byte(fmt.Sprintf("%0300d", 7)))
				f.form = in64bits
				return p.lenient("a length of 300 B written in 64 bits", f)
			}),
		},
		broken("frame/length-with-highest-bit", "RFC 6455 5.2", "A 64-bit length whose highest bit is set fails the connection.",
			frame{op: opBinary, form: in64bits, declare: 1<<63 | 5, payload: []byte("five!")}, 1002, 1009),
		broken("frame/unmasked", "RFC 6455 5.1", "A client frame without a mask fails the connection with 1002.",
			frame{op: opText, unmasked: true, payload: []byte("hello")}, 1002),
		broken("frame/unmasked-empty", "RFC 6455 5.1", "An empty client frame without a mask fails the connection with 1002.",
			frame{op: opBinary, unmasked: true}, 1002),
		broken("frame/unmasked-ping", "RFC 6455 5.1", "A ping without a mask fails the connection with 1002.",
			frame{op: opPing, unmasked: true}, 1002),
	}
	for rsv := byte(1); rsv <= 7; rsv++ {
		f := text("hello")
		f.rsv = rsv
		cases = append(cases, broken(fmt.Sprintf("frame/reserved-bits-%03b", rsv), "RFC 6455 5.2",
			"A reserved bit that no extension has given a meaning fails the connection with 1002.", f, 1002))
	}
	for _, op := range []opcode{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		cases = append(cases, broken(fmt.Sprintf("frame/reserved-opcode-%d", op), "RFC 6455 5.2",
			"A reserved opcode fails the connection with 1002.", data(op, nil), 1002))
	}
	for _, op := range []opcode{opText, opBinary} {
		for _, n := range []int{0, 1, 125, 126, 127, 128, 65535, 65536} {
			c := Case{
				Name: fmt.Sprintf("frame/%v-of-%d", op, n), Section: "RFC 6455 5.2",
				Doc: "A message of this length comes back as it was.",
				Run: talk(func(p *peer) error {
					payload := noise(n)
					if op == opText {
						payload = letters(n)
					}
					p.send(data(op, payload))
					if err := p.wantEcho(op, payload); err != nil {
						return err
					}
					return p.wantAlive("still in step")
				}),
			}
			if n > 1000 {
				c.Needs = []Need{needMessage(n)}
			}
			cases = append(cases, c)
		}
	}
	return quick(cases)
}

// quick marks all cases as quick.
func quick(cases []Case) []Case {
	for i := range cases {
		cases[i].Quick = true
	}
	return cases
}

// broken is a case in which one frame must fail the connection with one of the
// codes (RFC 6455 section 7.1.7). A whole message before it must still be echoed.
func broken(name, section, doc string, f frame, codes ...int) Case {
	return Case{Name: name, Section: section, Doc: doc,
		Run: talk(func(p *peer) error {
			p.send(text("before"), f)
			if err := p.wantText("before"); err != nil {
				return err
			}
			return p.wantClose(codes...)
		})}
}

// lenient sends a message that a sender must not send and a receiver may refuse.
func (p *peer) lenient(what string, f frame) error {
	p.send(f)
	op, got, err := p.message(patience)
	if err == nil {
		if op != f.op || string(got) != string(f.payload) {
			return fmt.Errorf("expected close 1002 for %s, or its echo, got a %v message of %d B %s", what, op, len(got), excerpt(got))
		}
		if err := p.wantAlive("still in step"); err != nil {
			return err
		}
		return Leniency("takes " + what)
	}
	if c, ok := err.(closedError); ok {
		return checkClose(c.frame, []int{1002})
	}
	return p.failed("close 1002 for "+what, err)
}

// noise is n random bytes.
func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// letters is n bytes of ASCII text that differ from place to place.
func letters(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte((i+i/26)%26)
	}
	return b
}
