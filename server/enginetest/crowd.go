package enginetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

// crowdCases hold that many clients at once, however they behave, neither hold
// up a healthy one nor are mixed up with each other.
func crowdCases() []Case {
	return []Case{
		{
			Name: "crowd/300-byte-at-a-time", Section: "robustness", Alone: true,
			Doc: "150 clients in the middle of a handshake and 150 in the middle of a frame first stop and then go on one byte at a time: " +
				"a healthy client gets every answer within two seconds, and all 300 are served in the end.",
			Needs: []Need{needPatientHandshake, needPatientRead},
			Run:   byteAtATime,
		},
		{
			Name: "crowd/thousand-resets", Section: "robustness", Alone: true,
			Doc: "A thousand clients that vanish with a reset, in every state of a connection, harm nobody.",
			Run: thousandResets,
		},
		{
			Name: "crowd/upgrade-and-close", Section: "robustness", Alone: true, Quick: true,
			Doc: "Five hundred clients, thirty-two at a time, upgrade, get the echo of their own message and close.",
			Run: func(ctx context.Context, t *Target) error {
				return crowd(ctx, 500, 32, func(i int) error {
					return talk(func(p *peer) error {
						if err := p.wantAlive(fmt.Sprintf("client %d", i)); err != nil {
							return err
						}
						p.send(closingWith(1000, ""))
						if err := p.wantCloseFrame(1000, noCode); err != nil {
							return err
						}
						return p.wantEnd()
					})(ctx, t)
				})
			},
		},
		{
			Name: "crowd/messages-not-mixed-up", Section: "robustness", Alone: true, Quick: true,
			Doc: "Thirty-two clients that each send a hundred messages of their own at once get their own back, in order.",
			Run: func(ctx context.Context, t *Target) error {
				return crowd(ctx, 32, 32, func(i int) error {
					return talk(func(p *peer) error {
						var frames []frame
						for j := range 100 {
							frames = append(frames, data(opBinary, fmt.Appendf(noise(rand.IntN(500)), "client %d, message %d", i, j)))
						}
						b := wire(frames...)
						for len(b) > 0 { // cut anywhere
							n := min(len(b), 1+rand.IntN(3000))
							p.write(b[:n])
							b = b[n:]
						}
						for _, f := range frames {
							if err := p.wantEcho(opBinary, f.payload); err != nil {
								return fmt.Errorf("client %d: %w", i, err)
							}
						}
						return nil
					})(ctx, t)
				})
			},
		},
	}
}

// crowd calls act for 0 to n-1, at most width at once, and returns the first error.
func crowd(ctx context.Context, n, width int, act func(i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(width)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { return act(i) })
	}
	return g.Wait()
}

func byteAtATime(ctx context.Context, t *Target) error {
	w, err := t.witness(ctx)
	if err != nil {
		return err
	}
	return errors.Join(trickleAll(ctx, t), w.stop())
}

// trickleAll has 300 slow clients send a part, stop, and send the rest.
func trickleAll(ctx context.Context, t *Target) error {
	type client struct {
		*peer
		rest []byte
		done func() error
	}
	clients := make([]client, 300)
	for i := range clients {
		var c client
		var err error
		if i%2 == 0 {
			if c.peer, err = t.dial(ctx); err != nil {
				return err
			}
			h := newHead(c.end)
			c.rest, c.done = h.bytes(), func() error { return c.upgraded(h) }
		} else {
			if c.peer, err = t.upgrade(ctx); err != nil {
				return err
			}
			s := fmt.Sprintf("slow client %d %0200d", i, i)
			c.rest, c.done = wire(text(s)), func() error { return c.wantText(s) }
		}
		defer c.close()
		clients[i] = c
	}
	step := func(n int) (left bool) {
		for i := range clients {
			c := &clients[i]
			k := min(n, len(c.rest))
			c.write(c.rest[:k])
			c.rest = c.rest[k:]
			left = left || len(c.rest) > 0
		}
		return left
	}
	step(50 + rand.IntN(50))
	// Stopped: a server that waits for one of them now waits for longer than
	// the healthy client does.
	select {
	case <-time.After(answerTime / 4):
	case <-ctx.Done():
		return ctx.Err()
	}
	for step(1) {
	}
	for i := range clients {
		if err := clients[i].done(); err != nil {
			return fmt.Errorf("slow client %d: %w", i, err)
		}
	}
	return nil
}

// states are the ways of being connected in which a client can vanish: each
// brings a new connection into its state and leaves it to be reset.
var states = []struct {
	name  string
	enter func(context.Context, *Target) (*peer, error)
}{
	{"connected", func(ctx context.Context, t *Target) (*peer, error) { return t.dial(ctx) }},
	{"in-the-handshake", func(ctx context.Context, t *Target) (*peer, error) {
		p, err := t.dial(ctx)
		if err == nil {
			b := newHead(p.end).bytes()
			p.write(b[:rand.IntN(len(b))])
		}
		return p, err
	}},
	{"behind-the-handshake", func(ctx context.Context, t *Target) (*peer, error) {
		p, err := t.dial(ctx)
		if err == nil {
			p.write(newHead(p.end).bytes()) // the 101 meets a reset
		}
		return p, err
	}},
	{"idle", upgradedAnd()},
	{"in-a-header", upgradedAnd(func(p *peer) { p.write(wire(data(opBinary, noise(200)))[:3]) })},
	{"in-a-frame", upgradedAnd(func(p *peer) { p.write(wire(data(opBinary, noise(200)))[:100]) })},
	{"in-a-message", upgradedAnd(func(p *peer) { p.send(text("one").first(), next("two")) })},
	{"behind-messages", upgradedAnd(func(p *peer) {
		for range 20 {
			p.send(data(opBinary, noise(1000)))
		}
	})},
	{"behind-a-violation", upgradedAnd(func(p *peer) { p.send(data(3, nil)) })},
	{"behind-a-close", upgradedAnd(func(p *peer) { p.send(closingWith(1000, "")) })},
}

func upgradedAnd(acts ...func(*peer)) func(context.Context, *Target) (*peer, error) {
	return func(ctx context.Context, t *Target) (*peer, error) {
		p, err := t.upgrade(ctx)
		if err == nil {
			for _, act := range acts {
				act(p)
			}
		}
		return p, err
	}
}

func thousandResets(ctx context.Context, t *Target) error {
	w, err := t.witness(ctx)
	if err != nil {
		return err
	}
	err = crowd(ctx, 1000, 16, func(i int) error {
		p, err := states[i%len(states)].enter(ctx, t)
		if err != nil {
			return err
		}
		p.reset()
		return nil
	})
	return errors.Join(err, w.stop())
}
