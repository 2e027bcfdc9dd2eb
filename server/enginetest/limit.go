package enginetest

import "context"

// limitCases hold the largest message (RFC 6455 sections 7.4.1 and 10.4).
func limitCases() []Case {
	sized := func(name, doc string, conversation func(p *peer, most int) error) Case {
		return Case{
			Name: "limit/" + name, Section: "RFC 6455 10.4", Doc: doc,
			Needs: []Need{needMaxMessage},
			Run: func(ctx context.Context, t *Target) error {
				return talk(func(p *peer) error { return conversation(p, t.MaxMessage) })(ctx, t)
			},
		}
	}
	return quick([]Case{
		sized("exact", "A message of exactly the limit is echoed.",
			func(p *peer, most int) error {
				f := data(opBinary, noise(most))
				p.send(f)
				return p.wantEcho(opBinary, f.payload)
			}),
		sized("exact-in-fragments", "Fragments that add up to exactly the limit are echoed.",
			func(p *peer, most int) error {
				whole := letters(most)
				half := most / 2
				p.send(data(opText, whole[:half]).first(), last(string(whole[half:])))
				return p.wantEcho(opText, whole)
			}),
		sized("exact-twice", "The limit is on a message, not on a connection.",
			func(p *peer, most int) error {
				for range 3 {
					f := data(opBinary, noise(most))
					p.send(f)
					if err := p.wantEcho(opBinary, f.payload); err != nil {
						return err
					}
				}
				return nil
			}),
		sized("one-more", "A message of one byte more fails the connection with 1009.",
			func(p *peer, most int) error {
				p.send(data(opBinary, noise(most+1)))
				return p.wantClose(1009)
			}),
		sized("one-more-in-fragments", "Fragments that add up to one byte more fail the connection with 1009.",
			func(p *peer, most int) error {
				half := most / 2
				p.send(data(opBinary, noise(half)).first(), next(string(noise(most-half))), last("1"))
				return p.wantClose(1009)
			}),
		sized("one-more-announced", "A header that announces one byte more fails the connection with 1009 before the payload has come.",
			func(p *peer, most int) error {
				f := data(opBinary, nil)
				f.declare = uint64(most) + 1
				p.send(f)
				return p.wantClose(1009)
			}),
		broken("limit/terabyte-announced", "RFC 6455 10.4", "A header that announces 1 TB fails the connection with 1009 at once.",
			frame{op: opBinary, form: in64bits, declare: 1 << 40}, 1009),
		broken("limit/most-announced", "RFC 6455 10.4", "A header that announces 2^63-1 B fails the connection with 1009 at once.",
			frame{op: opText, form: in64bits, declare: 1<<63 - 1}, 1009),
		brokenAfter("limit/sum-overflows", "RFC 6455 10.4", "A fragment whose length overflows the sum fails the connection with 1009.",
			[]frame{text("before"), text("start").first()}, "before", frame{op: opContinuation, form: in64bits, declare: 1<<63 - 1}, 1009),
	})
}
