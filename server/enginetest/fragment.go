package enginetest

import "fmt"

// fragmentCases hold messages in several frames (RFC 6455 section 5.4).
func fragmentCases() []Case {
	cases := []Case{
		{
			Name: "fragment/hundred", Section: "RFC 6455 5.4",
			Doc: "A message in a hundred fragments of one segment each is joined.",
			Run: talk(func(p *peer) error {
				whole := letters(1000)
				f := data(opText, whole[:10]).first()
				p.send(f)
				for at := 10; at < 990; at += 10 {
					p.send(next(string(whole[at : at+10])))
				}
				p.send(last(string(whole[990:])))
				return p.wantEcho(opText, whole)
			}),
		},
		{
			Name: "fragment/hundred-in-a-segment", Section: "RFC 6455 5.4",
			Doc: "A message in a hundred fragments in one segment is joined, and the message behind it is another.",
			Run: talk(func(p *peer) error {
				whole := noise(100)
				frames := []frame{data(opBinary, whole[:1]).first()}
				for _, b := range whole[1:99] {
					frames = append(frames, next(string([]byte{b})))
				}
				p.send(append(frames, last(string(whole[99:])), text("another"))...)
				if err := p.wantEcho(opBinary, whole); err != nil {
					return err
				}
				return p.wantText("another")
			}),
		},
		{
			Name: "fragment/byte-per-write", Section: "RFC 6455 5.4",
			Doc:   "Fragments that arrive one byte at a time are joined.",
			Needs: []Need{needPatientRead},
			Run: talk(func(p *peer) error {
				p.trickle(wire(text("one, ").first(), next("two, "), last("three")))
				return p.wantText("one, two, three")
			}),
		},
		{
			Name: "fragment/empty-ones", Section: "RFC 6455 5.4",
			Doc: "Empty fragments at the start, in the middle and at the end add nothing.",
			Run: talk(func(p *peer) error {
				p.send(text("").first(), next(""), next("mid"), next(""), next("dle"), next(""), last(""))
				return p.wantText("middle")
			}),
		},
		{
			Name: "fragment/only-empty-ones", Section: "RFC 6455 5.4",
			Doc: "Nothing but empty fragments is an empty message.",
			Run: talk(func(p *peer) error {
				p.send(text("").first(), next(""), last(""))
				if err := p.wantText(""); err != nil {
					return err
				}
				return p.wantAlive("still in step")
			}),
		},
		{
			Name: "fragment/many-messages", Section: "RFC 6455 5.4",
			Doc: "Fragmented and whole messages alternate on one connection, text and binary.",
			Run: talk(func(p *peer) error {
				for i := range 20 {
					a, b := letters(i*37), noise(i*41)
					p.send(text(string(a)).first(), last("end"), data(opBinary, b))
					if err := p.wantEcho(opText, append(a, "end"...)); err != nil {
						return err
					}
					if err := p.wantEcho(opBinary, b); err != nil {
						return err
					}
				}
				return nil
			}),
		},
		{
			Name: "fragment/close-inside", Section: "RFC 6455 5.5.1",
			Doc: "A close frame inside a fragmented message is answered, and the message is never seen.",
			Run: talk(func(p *peer) error {
				p.send(text("never finished").first(), closingWith(1000, ""))
				return p.wantClose(1000)
			}),
		},
		broken("fragment/continuation-without-start", "RFC 6455 5.4", "A continuation frame without a message to continue fails the connection with 1002.",
			next("lost"), 1002),
		broken("fragment/final-continuation-without-start", "RFC 6455 5.4", "A final continuation frame without a message to continue fails the connection with 1002.",
			last("lost"), 1002),
		brokenAfter("fragment/continuation-after-the-end", "RFC 6455 5.4", "A continuation frame behind a complete fragmented message fails the connection with 1002.",
			[]frame{text("one").first(), last("two")}, "onetwo", last("lost"), 1002),
	}
	for _, op := range []opcode{opText, opBinary} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("fragment/%v-frame-inside", op), Section: "RFC 6455 5.4",
			Doc: "A new data frame inside a fragmented message fails the connection with 1002.",
			Run: talk(func(p *peer) error {
				p.send(text("unfinished").first(), data(op, []byte("intruder")))
				return p.wantClose(1002)
			}),
		})
	}
	return quick(cases)
}

// brokenAfter is broken with other frames before the offending one, which are
// echoed as one text.
func brokenAfter(name, section, doc string, before []frame, echo string, f frame, codes ...int) Case {
	return Case{Name: name, Section: section, Doc: doc,
		Run: talk(func(p *peer) error {
			p.send(append(before, f)...)
			if err := p.wantText(echo); err != nil {
				return err
			}
			return p.wantClose(codes...)
		})}
}
