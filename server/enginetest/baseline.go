package enginetest

import (
	"context"
	"fmt"
	"time"
)

// slack is how far a count may stay above its baseline: pools and timers of a
// runtime come and go, but not by the connection.
const slack = 8

// herd is how many connections a round of a baseline case opens, all at once. A
// leak of one object per connection is far above slack.
const herd = 64

// baselineCases hold that what a connection took is given back, however it
// ended.
func baselineCases() []Case {
	back := func(end, doc string, quick bool, one func(context.Context, *Target) error, needs ...Need) Case {
		return Case{
			Name: "baseline/" + end, Section: "robustness", Alone: true, Quick: quick,
			Doc:   "Descriptors, goroutines and open connections come back to their baseline after clients " + doc + ".",
			Needs: append([]Need{needProbe}, needs...),
			Run:   func(ctx context.Context, t *Target) error { return comesBack(ctx, t, one) },
		}
	}
	cases := []Case{
		back("closed", "that said goodbye", true, talk(func(p *peer) error {
			if err := p.wantAlive("hello"); err != nil {
				return err
			}
			p.send(closingWith(1000, ""))
			if err := p.wantCloseFrame(1000, noCode); err != nil {
				return err
			}
			return p.wantEnd()
		})),
		back("hung-up", "that ended TCP without a close frame", true, talk(func(p *peer) error { return p.wantAlive("hello") })),
		back("violated", "that broke the protocol", true, talk(func(p *peer) error {
			p.send(data(3, nil))
			return p.wantClose(1002)
		})),
		back("refused", "whose handshake was refused", true, dialled(func(p *peer) error {
			h := newHead(p.end)
			h.drop("Sec-WebSocket-Key")
			p.write(h.bytes())
			r, err := p.response(h.method)
			if err != nil {
				return err
			}
			return wantStatus(r, 400)
		})),
		back("unfinished-handshake", "that hung up in the handshake", true, dialled(func(p *peer) error {
			p.write(newHead(p.end).bytes()[:30])
			return nil
		})),
		back("timed-out", "that fell silent", false, silence(func(*Target, *peer) error { return nil }), needReadTimeout),
		back("handshake-timed-out", "that never finished their handshake", false,
			handshakeTimesOut(func(_ *Target, p *peer) { p.write(newHead(p.end).bytes()[:30]) }), needHandshakeTimeout),
		back("evicted", "that did not read", false, func(ctx context.Context, t *Target) error {
			p, err := t.upgradeNarrow(ctx)
			if err != nil {
				return err
			}
			defer p.close()
			return p.wantEvicted(t)
		}, needOutbox, needEviction),
	}
	for _, s := range states {
		cases = append(cases, back("reset-"+s.name, "that were reset, "+s.name, true, func(ctx context.Context, t *Target) error {
			p, err := s.enter(ctx, t)
			if err == nil {
				p.reset()
			}
			return err
		}))
	}
	return cases
}

// comesBack lets one round of clients through to fill what a server fills once,
// takes the baseline, and expects it again after a second round.
func comesBack(ctx context.Context, t *Target, one func(context.Context, *Target) error) error {
	round := func() error { return crowd(ctx, herd, herd, func(int) error { return one(ctx, t) }) }
	idle, err := t.Probe()
	if err != nil {
		return err
	}
	if err := round(); err != nil {
		return err
	}
	// The first round may leave a pool behind, but no connection.
	before, err := t.settle(ctx, func(b Baseline) bool { return b.Open <= idle.Open })
	if err != nil {
		return err
	}
	if err := round(); err != nil {
		return err
	}
	_, err = t.settle(ctx, func(b Baseline) bool {
		return b.Descriptors <= before.Descriptors+slack && b.Goroutines <= before.Goroutines+slack && b.Open <= before.Open
	})
	if err != nil {
		return fmt.Errorf("%d connections after a baseline of %v: %w", herd, before, err)
	}
	return nil
}

// settle asks the server until it holds no more than is right, and then until
// two answers are the same.
func (t *Target) settle(ctx context.Context, right func(Baseline) bool) (Baseline, error) {
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var last Baseline
	for {
		b, err := t.Probe()
		if err != nil {
			return b, err
		}
		if right(b) && b == last {
			return b, nil
		}
		if time.Now().After(deadline) {
			if right(b) {
				return b, nil
			}
			return b, fmt.Errorf("expected what they took to be given back, got %v for %v", b, patience)
		}
		last = b
		select {
		case <-tick.C:
		case <-ctx.Done():
			return b, ctx.Err()
		}
	}
}
