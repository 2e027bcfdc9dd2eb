package enginetest

import (
	"fmt"
	"strings"
)

// controlCases hold ping and pong (RFC 6455 sections 5.5.2 and 5.5.3) and what
// all control frames have in common.
func controlCases() []Case {
	cases := []Case{
		{
			Name: "control/unsolicited-pong", Section: "RFC 6455 5.5.3",
			Doc: "A pong that nobody asked for is passed over.",
			Run: talk(func(p *peer) error {
				p.send(pong(""), pong("unsolicited"), text("hello"))
				return p.wantText("hello")
			}),
		},
		{
			Name: "control/ping-byte-per-write", Section: "RFC 6455 5.5.2",
			Doc: "A ping that arrives one byte at a time is answered.",
			Run: talk(func(p *peer) error {
				p.trickle(wire(ping("slowly")))
				return p.wantPong("slowly")
			}),
		},
		{
			Name: "control/many-pings", Section: "RFC 6455 5.5.3",
			Doc: "Of a hundred pings in one segment at least the last is answered, and no pong carries what was not sent.",
			Run: talk(func(p *peer) error {
				var frames []frame
				for i := range 100 {
					frames = append(frames, ping(fmt.Sprint(i)))
				}
				p.send(frames...)
				for at := 0; at < 100; at++ {
					f, err := p.frame(patience, true)
					if err != nil {
						return p.failed("the pong for ping 99", err)
					}
					for at < 100 && string(f.payload) != fmt.Sprint(at) {
						at++
					}
					if f.op != opPong || at == 100 {
						return fmt.Errorf("expected pongs that rise to 99, got %v", f)
					}
				}
				return nil
			}),
		},
		{
			Name: "control/ping-before-message-echo", Section: "RFC 6455 5.5.2",
			Doc: "A ping behind a message and the message are both answered.",
			Run: talk(func(p *peer) error {
				p.send(text("message"), ping("ping"))
				var seen []string
				for range 2 {
					f, err := p.frame(patience, true)
					if err != nil {
						return p.failed("an echo and a pong", err)
					}
					seen = append(seen, f.op.String()+" "+string(f.payload))
				}
				if got := strings.Join(seen, ", "); got != "text message, pong ping" && got != "pong ping, text message" {
					return fmt.Errorf("expected the echo and the pong, got %s", got)
				}
				return nil
			}),
		},
		{
			Name: "control/ping-between-fragments", Section: "RFC 6455 5.4",
			Doc: "A ping between two fragments is answered before the message is complete, and the message is not disturbed.",
			Run: talk(func(p *peer) error {
				p.send(text("one, ").first(), ping("between"))
				if err := p.wantPong("between"); err != nil {
					return err
				}
				p.send(next("two, "), pong("ignored"), ping("again"))
				if err := p.wantPong("again"); err != nil {
					return err
				}
				p.send(last("three"))
				return p.wantText("one, two, three")
			}),
		},
		{
			Name: "control/ping-between-fragments-in-a-segment", Section: "RFC 6455 5.4",
			Doc: "Fragments with a ping between them may share a segment: the pong comes first.",
			Run: talk(func(p *peer) error {
				p.send(text("one, ").first(), ping("between"), last("two"))
				if err := p.wantPong("between"); err != nil {
					return err
				}
				return p.wantText("one, two")
			}),
		},
		broken("control/ping-of-126", "RFC 6455 5.5", "A ping with more than 125 B fails the connection with 1002.",
			ping(strings.Repeat("p", 126)), 1002),
		broken("control/pong-of-126", "RFC 6455 5.5", "A pong with more than 125 B fails the connection with 1002.",
			pong(strings.Repeat("p", 126)), 1002),
		broken("control/close-of-126", "RFC 6455 5.5", "A close frame with more than 125 B fails the connection with 1002.",
			closingWith(1000, strings.Repeat("c", 124)), 1002),
		broken("control/ping-of-a-terabyte", "RFC 6455 5.5", "A ping that announces 1 TB fails the connection with 1002 at once.",
			frame{op: opPing, form: in64bits, declare: 1 << 40}, 1002),
		broken("control/fragmented-ping", "RFC 6455 5.5", "A ping that is a fragment fails the connection with 1002.",
			ping("part").first(), 1002),
		broken("control/fragmented-pong", "RFC 6455 5.5", "A pong that is a fragment fails the connection with 1002.",
			pong("part").first(), 1002),
		broken("control/fragmented-close", "RFC 6455 5.5", "A close frame that is a fragment fails the connection with 1002.",
			closingWith(1000, "part").first(), 1002),
	}
	for _, n := range []int{0, 1, 124, 125} {
		cases = append(cases, Case{
			Name: fmt.Sprintf("control/ping-of-%d", n), Section: "RFC 6455 5.5.2",
			Doc: "A ping is answered by a pong with the same payload.",
			Run: talk(func(p *peer) error {
				payload := string(noise(n))
				p.send(ping(payload))
				if err := p.wantPong(payload); err != nil {
					return err
				}
				return p.wantAlive("still in step")
			}),
		})
	}
	return quick(cases)
}
