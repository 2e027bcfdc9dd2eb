package enginetest

import "fmt"

// utf8Cases hold that text is UTF-8 (RFC 6455 section 8.1, RFC 3629).
func utf8Cases() []Case {
	var cases []Case
	for _, v := range []struct{ name, text string }{
		{"two-bytes", "\u0080\u07ff κόσμε"},
		{"three-bytes", "\u0800\ud7ff\ue000\uffff €"},
		{"four-bytes", "\U00010000\U0010ffff 🎉"},
		{"nul", "a\x00b"},
		{"byte-order-mark", "\ufeffa"},
	} {
		cases = append(cases, Case{
			Name: "utf8/valid-" + v.name, Section: "RFC 3629 4",
			Doc: "Valid text comes back unchanged, also when cut into frames or segments between any two bytes.",
			Run: talk(func(p *peer) error {
				p.send(text(v.text))
				if err := p.wantText(v.text); err != nil {
					return err
				}
				for cut := range len(v.text) + 1 {
					p.send(text(v.text[:cut]).first(), ping("between"), last(v.text[cut:]))
					if err := p.wantPong("between"); err != nil {
						return fmt.Errorf("cut after byte %d: %w", cut, err)
					}
					if err := p.wantText(v.text); err != nil {
						return fmt.Errorf("cut after byte %d: %w", cut, err)
					}
				}
				p.trickle(wire(text(v.text)))
				return p.wantText(v.text)
			}),
		})
	}
	for _, v := range []struct{ name, text string }{
		{"lone-continuation", "\x80"},
		{"overlong-two", "\xc0\xaf"},
		{"overlong-two-highest", "\xc1\xbf"},
		{"overlong-three", "\xe0\x9f\xbf"},
		{"overlong-four", "\xf0\x8f\xbf\xbf"},
		{"high-surrogate", "\xed\xa0\x80"},
		{"low-surrogate", "\xed\xbf\xbf"},
		{"above-10ffff", "\xf4\x90\x80\x80"},
		{"five-bytes", "\xf8\x88\x80\x80\x80"},
		{"byte-ff", "\xff"},
		{"interrupted", "\xe2\x82z"},
		{"cut-short", "\xe2\x82"},
	} {
		cases = append(cases,
			Case{
				Name: "utf8/invalid-" + v.name, Section: "RFC 6455 8.1",
				Doc: "Text that is not UTF-8 fails the connection with 1007.",
				Run: talk(func(p *peer) error {
					p.send(text("before"), text("bad: "+v.text))
					if err := p.wantText("before"); err != nil {
						return err
					}
					return p.wantClose(1007)
				}),
			})
	}
	return quick(append(cases,
		Case{
			Name: "utf8/invalid-split-over-fragments", Section: "RFC 6455 8.1",
			Doc: "A surrogate that is split over fragments fails the connection with 1007.",
			Run: talk(func(p *peer) error {
				p.send(text("a\xed").first(), next("\xa0"), last("\x80"))
				return p.wantClose(1007)
			}),
		},
		Case{
			Name: "utf8/overlong-split-over-fragments", Section: "RFC 6455 8.1",
			Doc: "An overlong form that is split over fragments, one of them empty, fails the connection with 1007.",
			Run: talk(func(p *peer) error {
				p.send(text("a\xf0").first(), next(""), next("\x8f"), last("\xbf\xbf"))
				return p.wantClose(1007)
			}),
		},
		Case{
			Name: "utf8/cut-short-at-the-last-fragment", Section: "RFC 6455 8.1",
			Doc: "A message that ends inside a code point fails the connection with 1007, though each fragment could go on.",
			Run: talk(func(p *peer) error {
				p.send(text("a\xf0").first(), next("\x9f\x8e"), last(""))
				return p.wantClose(1007)
			}),
		},
		Case{
			Name: "utf8/code-point-not-continued-by-next-message", Section: "RFC 6455 8.1",
			Doc: "A code point cannot begin in one message and end in the next.",
			Run: talk(func(p *peer) error {
				p.send(text("a\xc3"), text("\xa9"))
				return p.wantClose(1007)
			}),
		},
		Case{
			Name: "utf8/invalid-byte-per-write", Section: "RFC 6455 8.1",
			Doc: "Text that is not UTF-8 fails the connection with 1007 however it is cut into segments.",
			Run: talk(func(p *peer) error {
				p.trickle(wire(text("a\xed\xa0\x80z")))
				return p.wantClose(1007)
			}),
		},
		Case{
			Name: "utf8/binary-is-not-text", Section: "RFC 6455 5.6",
			Doc: "A binary message is not looked at, whole or in fragments.",
			Run: talk(func(p *peer) error {
				p.send(data(opBinary, []byte("\xff\xc0\x80")))
				if err := p.wantEcho(opBinary, []byte("\xff\xc0\x80")); err != nil {
					return err
				}
				p.send(data(opBinary, []byte("\xed")).first(), last("\xa0\x80"))
				return p.wantEcho(opBinary, []byte("\xed\xa0\x80"))
			}),
		},
	))
}
